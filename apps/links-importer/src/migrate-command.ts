import { resolve } from 'node:path';
import { migrateProject, type MigrateLayout, type MigrateOutcome, type MigrateReport } from '@stowage/links';
import { type ErrorCode, isStorageError, parseLinkPrefix } from '@stowage/core';
import { CommandError, visible } from '@stowage/terminal';
import { bytesText, countOf, countText, durationText } from '@stowage/terminal/quantity-text';
import { DatasetNames, findProject } from './catalog-names.ts';
import type { CommandContext } from './command-context.ts';
import { readEntitiesMap } from './entities-map.ts';
import { EXIT } from './exit-code.ts';
import { heedSignals } from './heed-signals.ts';
import { linksOfFolder, providerOf } from './named-folder.ts';
import { showProgress } from './progress-line.ts';
import { tableLines } from './table-lines.ts';

export interface MigrateRequest {
  readonly projects: readonly string[];
  readonly to: string;
  readonly from?: string;
  readonly layout: MigrateLayout;
  readonly entitiesMap?: string;
  readonly linkVerified: boolean;
  readonly clearLocal: boolean;
  readonly replace: boolean;
  readonly transfers: number;
  readonly partSize?: number;
  /** Most milliseconds of a request. */
  readonly timeoutMs?: number;
  readonly dryRun: boolean;
}

const MISNAMED: ReadonlySet<ErrorCode> = new Set(['Config', 'InvalidLink', 'InvalidKey', 'InvalidArgument', 'Unsupported']);

/** Runs `migrate` for each project, each judged by itself, and gives the exit code. */
export async function runMigrate(request: MigrateRequest, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { entitiesMap, from, partSize, projects, timeoutMs, dryRun, ...options } = request;
  if (entitiesMap !== undefined && projects.length > 1) throw new CommandError('--entities-map is of one project; name one');
  const map = entitiesMap === undefined ? undefined : await readEntitiesMap(resolve(terminal.cwd, entitiesMap), entitiesMap);
  const catalog = await context.catalog({ create: false });
  const found = [];
  for (const name of projects) found.push(await findProject(catalog, name));
  const target = parseLinkPrefix(request.to);
  const providers = [target.provider, ...(from === undefined ? [] : [providerOf(from)])];
  const { storages, refuseUncertain } = await context.storages({ providers, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  refuseUncertain(target.provider, target.bucket);
  const names = new DatasetNames(catalog);
  let code: number = EXIT.done;
  for (const project of found) {
    await context.emit({ event: 'start', time: context.time(), command: 'migrate', project: project.name, to: request.to, dryRun });
    const job = migrateProject(project, {
      ...options,
      catalog,
      storages,
      dryRun,
      ...(map === undefined ? {} : { entitiesMap: map }),
      ...(from === undefined ? {} : { from: linksOfFolder(from) }),
      ...(partSize === undefined ? {} : { partSize }),
      now: terminal.now,
      observer: { outcomes: (batch) => tellOutcomes(batch, names, dryRun, context) },
    });
    const signals = heedSignals(context, () => job.stop());
    const view = await showProgress(
      context,
      () => {
        const { entities, done, bytesSent, inFlight, elapsedMs } = job.progress();
        return `${countText(done)} of ${countText(entities)} so far in ${durationText(elapsedMs)}: ${bytesText(bytesSent)} sent, ${bytesText(Math.round((bytesSent * 1000) / Math.max(elapsedMs, 1)))}/s, ${countText(inFlight)} in flight`;
      },
      () => ({ ...job.progress() }),
    );
    let report: MigrateReport;
    try {
      report = await job.report;
    } catch (error) {
      // The target is named on the command line, or its bucket is missing in the configuration; or the store itself will not have us.
      if (isStorageError(error)) throw new CommandError(error.message, MISNAMED.has(error.code) ? EXIT.usage : EXIT.target, error);
      throw error;
    } finally {
      view.stop();
      signals.end();
    }
    const own = signals.code() ?? (report.complete ? EXIT.done : EXIT.failed);
    if (own !== EXIT.done) code = own;
    await context.emit({ event: 'end', time: context.time(), exitCode: own, ...report, elapsedMs: Math.round(report.elapsedMs) });
    await context.summarise(summary(report, request));
    if (signals.code() !== undefined) break;
  }
  return code;
}

async function tellOutcomes(batch: readonly MigrateOutcome[], names: DatasetNames, dryRun: boolean, context: CommandContext): Promise<void> {
  const { json, detail } = context.request;
  let text = '';
  let troubles = '';
  for (const outcome of batch) {
    const { kind, entity, link } = outcome;
    const place = kind === 'failed' || kind === 'conflict' || dryRun || json || detail === 'verbose' ? await names.place(entity) : '';
    if (json) {
      const { entity: _, ...plain } = outcome;
      text += `${JSON.stringify({ event: 'entity', id: entity.id, place, ...plain })}\n`;
    } else if (outcome.kind === 'uploaded' || outcome.kind === 'there') {
      if (detail === 'verbose' || (dryRun && detail === 'normal'))
        text += `${visible(`${kind === 'there' ? 'there already' : dryRun ? 'to upload' : 'uploaded'} ${place} → ${link} (${bytesText(outcome.bytes)})`)}\n`;
    } else if ('reason' in outcome) troubles += `${visible(`${place}: ${outcome.reason}: ${outcome.message}`)}\n`;
  }
  if (troubles !== '') context.terminal.stderr.write(troubles);
  await context.print(text);
}

function summary(report: MigrateReport, { dryRun }: MigrateRequest): string[] {
  const { project, uploaded, there, conflicts, failed, entities, linked, linkedBefore, changedMeanwhile, unknownIds, elapsedMs, complete, stopped } = report;
  return [
    ...tableLines([
      [dryRun ? 'to upload' : 'uploaded', countText(uploaded.entities), bytesText(uploaded.bytes)],
      ['there already', countText(there.entities), bytesText(there.bytes)],
      ['conflicts', countText(conflicts), ''],
      ['failed', countText(failed), ''],
      ['entities', countText(entities), linkedBefore > 0 ? `${countText(linkedBefore)} had a link before` : ''],
      ...(dryRun ? [] : [['linked', countText(linked), ''] as const]),
    ]),
    '',
    `Project ${JSON.stringify(project.name)} in ${durationText(elapsedMs)}: ${verdict()}`,
  ];

  function verdict(): string {
    if (stopped) return 'interrupted. What was uploaded stays; run the same again to go on.';
    if (changedMeanwhile.length > 0)
      return `${countOf(changedMeanwhile.length, 'entity was', 'entities were')} replaced meanwhile (${changedMeanwhile.slice(0, 5).join(', ')}${changedMeanwhile.length > 5 ? ', …' : ''}); ${linked === 0 ? 'no link was changed. ' : ''}Run again.`;
    if (unknownIds.length > 0)
      return `the map names ${countOf(unknownIds.length, 'id')} that are not of the project (${unknownIds.slice(0, 5).join(', ')}); ${linked === 0 ? 'no link was changed.' : ''}`;
    if (!complete)
      return linked === 0
        ? `not everything ${dryRun ? 'can be' : 'was'} moved, so no link ${dryRun ? 'would be' : 'was'} changed. Mend what is told above and run again.`
        : 'not everything was moved; what was verified is linked.';
    return dryRun ? 'nothing was changed.' : 'done.';
  }
}
