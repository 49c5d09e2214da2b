import { resolve } from 'node:path';
import { importLinks, importReportFiles, type ImportReport, type LineOutcome, type LinksFormat, type ProjectKind, type Verification } from '@stowage/links';
import { type Catalog, isCatalogError, type NameConflict } from '@stowage/catalog';
import { visible } from '@stowage/terminal';
import { countOf, countText, durationText } from '@stowage/terminal/quantity-text';
import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-code.ts';
import { heedSignals } from './heed-signals.ts';
import { linksSources } from './links-sources.ts';
import { showProgress } from './progress-line.ts';
import { tableLines } from './table-lines.ts';

export interface ImportRequest {
  readonly files: readonly string[];
  readonly project: string;
  readonly dataset?: string;
  readonly datasetsByFolder: boolean;
  readonly type?: ProjectKind;
  readonly format?: LinksFormat;
  readonly verify: Verification;
  readonly onNameTaken: NameConflict;
  readonly storeUrls: boolean;
  readonly requests: number;
  /** Most milliseconds of a request. */
  readonly timeoutMs: number;
  readonly reportDir?: string;
  readonly dryRun: boolean;
}

/** Failed lines that are told one by one; the report folder has them all. */
const FAILURES_TOLD = 1000;

/** Runs `import` to its end and gives the exit code. */
export async function runImport(request: ImportRequest, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { project, dataset, datasetsByFolder, type, verify, onNameTaken, storeUrls, requests, timeoutMs, reportDir, dryRun } = request;
  const oneDataset = dataset !== undefined;
  const sources = linksSources(request.files, { oneDataset, ...(request.format === undefined ? {} : { format: request.format }) }, terminal);
  const { storages, config } = await context.storages({ requests, timeoutMs });
  // Without any configuration there is nothing that unverified links could be compared with.
  const knowsStorages = verify !== 'none' || config.file !== undefined;
  if (!knowsStorages) context.tell('no configuration was found: buckets of links are not looked for');
  const catalog = dryRun ? await existingOrEmpty(context) : await context.catalog({ create: true });
  const scratch = dryRun ? await context.scratchCatalog() : undefined;
  const tell = lineTeller(context);
  await context.emit({ event: 'start', time: context.time(), command: 'import', project, files: request.files, verify, dryRun });
  const job = importLinks({
    catalog,
    project,
    sources,
    datasetsByFolder,
    ...(dataset === undefined ? {} : { dataset }),
    ...(type === undefined ? {} : { type }),
    ...(knowsStorages ? { storages } : {}),
    ...(scratch === undefined ? {} : { scratch }),
    ...(reportDir === undefined || dryRun ? {} : { reportFiles: importReportFiles(resolve(terminal.cwd, reportDir)) }),
    verification: verify,
    onNameTaken,
    rewriteStoreUrls: storeUrls,
    now: terminal.now,
    observer: {
      outcomes: tell.outcomes,
      fault(message) {
        terminal.stderr.write(`${visible(message)}\n`);
        return context.emit({ event: 'fault', message });
      },
      notice: (message) => context.tell(message),
    },
  });
  const signals = heedSignals(context, () => job.stop());
  const view = await showProgress(
    context,
    () => {
      const { rows, imported, failed, elapsedMs } = job.progress();
      return `${countOf(rows, 'line')} in ${durationText(elapsedMs)}: ${countText(imported)} imported, ${countText(failed)} failed; ${countText(Math.round((rows * 1000) / Math.max(elapsedMs, 1)))} lines/s`;
    },
    () => ({ ...job.progress() }),
  );
  let report: ImportReport;
  try {
    report = await job.report;
  } finally {
    view.stop();
    signals.end();
  }
  tell.end();
  const code = signals.code() ?? exitCode(report);
  const { tally, resumed, faults, balanced, stopped, elapsedMs } = report;
  await context.emit({
    event: 'end',
    time: context.time(),
    exitCode: code,
    tally,
    ...(resumed === undefined ? {} : { resumed }),
    faults,
    balanced,
    stopped,
    elapsedMs: Math.round(elapsedMs),
  });
  await context.summarise(summary(report, request, catalog.location));
  return code;
}

/** A dry run makes no catalog: where there is none yet, everything is new. */
async function existingOrEmpty(context: CommandContext): Promise<Catalog> {
  try {
    return await context.catalog({ create: false });
  } catch (error) {
    if (isCatalogError(error, 'NotFound')) return context.scratchCatalog();
    throw error;
  }
}

function exitCode({ tally, faults, balanced, stopped }: ImportReport): number {
  return tally.failed > 0 || faults.length > 0 || !balanced || stopped ? EXIT.failed : EXIT.done;
}

/** Writes `file:line:column: reason` for each failed line, a line for every line with `--verbose`, and events with `--json`. */
function lineTeller(context: CommandContext): { readonly outcomes: (batch: readonly LineOutcome[]) => void | Promise<void>; end(): void } {
  const { request, terminal } = context;
  const all = request.detail === 'verbose';
  let failures = 0;
  return {
    outcomes(batch) {
      let failed = '';
      let events = '';
      for (const one of batch) {
        if (one.outcome === 'failed' && ++failures <= FAILURES_TOLD && request.detail !== 'quiet')
          failed += `${visible(`${one.file}:${one.line}:${one.column}: ${one.message ?? ''}`)}\n`;
        if (request.json && (all || one.outcome === 'failed' || one.outcome === 'skipped')) {
          const { row: _, ...plain } = one;
          events += `${JSON.stringify({ event: 'line', ...plain })}\n`;
        } else if (all && one.outcome !== 'failed')
          events += `${visible(`${one.file}:${one.line}: ${one.outcome} ${one.name ?? ''}${one.message === undefined ? '' : `: ${one.message}`}`)}\n`;
      }
      if (failed !== '') terminal.stderr.write(failed);
      return context.print(events);
    },
    end() {
      if (failures > FAILURES_TOLD && request.detail !== 'quiet')
        context.tell(`${countText(failures - FAILURES_TOLD)} more failed; --report-dir tells of every line`);
    },
  };
}

function summary({ tally, resumed, stopped, faults, balanced, elapsedMs }: ImportReport, request: ImportRequest, location: string): string[] {
  const { imported, present, skipped, failed, rows, ignored, renamed, replaced, reasons } = tally;
  const parts = [renamed > 0 ? `${countText(renamed)} renamed` : '', replaced > 0 ? `${countText(replaced)} replaced` : ''].filter((part) => part !== '');
  const why = (names: readonly string[]): string =>
    names
      .filter((name) => (reasons[name] ?? 0) > 0)
      .map((name) => `${countText(reasons[name] ?? 0)} ${name}`)
      .join(', ');
  const others = Object.keys(reasons).filter((name) => name !== 'name-taken');
  const made = rows - (resumed?.rows ?? 0);
  return [
    ...tableLines([
      [request.dryRun ? 'to import' : 'imported', countText(imported), parts.join(', ')],
      ['already there', countText(present), ''],
      ['skipped', countText(skipped), why(['name-taken'])],
      ['failed', countText(failed), why(others)],
      ['lines', countText(rows), ignored > 0 ? `and ${countText(ignored)} blank, comments or headers` : ''],
    ]),
    '',
    `${countOf(made, 'line')} in ${durationText(elapsedMs)}: ${countText(Math.round((made * 1000) / Math.max(elapsedMs, 1)))} lines/s${resumed === undefined ? '' : `; ${countText(resumed.rows)} were done by an earlier run`}`,
    ...(balanced ? [] : ['The sums do not match: not every line has an outcome. Please report this.']),
    stopped
      ? 'Interrupted: what was imported stays; run the same again to go on.'
      : request.dryRun
        ? 'Nothing was changed.'
        : failed > 0 || faults.length > 0
          ? `Project ${JSON.stringify(request.project)} in ${location}: not everything could be imported.${request.reportDir === undefined ? '' : ` The failed lines are in ${request.reportDir}/failed.`}`
          : `Project ${JSON.stringify(request.project)} in ${location}.`,
  ];
}
