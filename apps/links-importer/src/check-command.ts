import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkLinks, type CheckReport, type Finding, FINDINGS } from '@stowage/links';
import { visible } from '@stowage/terminal';
import { countOf, countText, durationText } from '@stowage/terminal/quantity-text';
import { DatasetNames, entityFilter } from './catalog-names.ts';
import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-code.ts';
import { heedSignals } from './heed-signals.ts';
import { showProgress } from './progress-line.ts';
import { tableLines } from './table-lines.ts';

export interface CheckRequest {
  readonly projects: readonly string[];
  readonly dataset?: string;
  readonly requests: number;
  /** Most milliseconds of a request. */
  readonly timeoutMs: number;
  readonly listing: boolean;
  readonly report?: string;
}

/** Runs `check` to its end and gives the exit code. */
export async function runCheck(request: CheckRequest, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const catalog = await context.catalog({ create: false });
  const projects = request.projects.length === 0 ? [undefined] : request.projects;
  const filters = [];
  for (const project of projects)
    filters.push(
      await entityFilter(catalog, { ...(project === undefined ? {} : { project }), ...(request.dataset === undefined ? {} : { dataset: request.dataset }) }),
    );
  const { storages } = await context.storages({ timeoutMs: request.timeoutMs });
  const names = new DatasetNames(catalog);
  const file = request.report === undefined ? undefined : await open(resolve(terminal.cwd, request.report), 'w');
  await context.emit({ event: 'start', time: context.time(), command: 'check', projects: request.projects });
  const reports: CheckReport[] = [];
  try {
    for (const filter of filters) {
      const job = checkLinks({
        catalog,
        storages,
        filter,
        listing: request.listing ? 'auto' : 'never',
        concurrency: request.requests,
        now: terminal.now,
        observer: {
          async findings(findings) {
            const told = await Promise.all(findings.map(async (finding) => plain(finding, await names.place(finding.entity))));
            await file?.appendFile(told.map((one) => `${JSON.stringify(one)}\n`).join(''));
            if (request.report === undefined || context.request.detail !== 'quiet')
              await context.print(told.map((one) => lineOf(one, context.request.json)).join(''));
          },
        },
      });
      const signals = heedSignals(context, () => job.stop());
      const view = await showProgress(
        context,
        () => {
          const { checked, ok, elapsedMs } = job.progress();
          return `${countOf(checked, 'link')} in ${durationText(elapsedMs)}: ${countText(checked - ok)} not as they were`;
        },
        () => ({ ...job.progress() }),
      );
      try {
        reports.push(await job.report);
      } finally {
        view.stop();
        signals.end();
      }
      const signalled = signals.code();
      if (signalled !== undefined) return await end(reports, signalled, context);
    }
    return await end(reports, exitCode(reports), context);
  } finally {
    await file?.close();
  }
}

function plain(
  { kind, entity, link, message }: Finding,
  place: string,
): { readonly finding: string; readonly id: number; readonly place: string; readonly link: string; readonly message: string } {
  return { finding: kind, id: entity.id, place, link, message };
}

function lineOf(one: ReturnType<typeof plain>, json: boolean): string {
  if (json) return `${JSON.stringify({ event: 'finding', ...one })}\n`;
  return `${visible(`${one.finding} ${one.link} (${one.place}): ${one.message}`)}\n`;
}

function sum(reports: readonly CheckReport[], of: (report: CheckReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

function exitCode(reports: readonly CheckReport[]): number {
  if (sum(reports, ({ counts }) => counts.gone + counts.changed) > 0) return EXIT.mismatch;
  return sum(reports, ({ checked, ok }) => checked - ok) > 0 ? EXIT.failed : EXIT.done;
}

async function end(reports: readonly CheckReport[], code: number, context: CommandContext): Promise<number> {
  const counts = Object.fromEntries(FINDINGS.map((kind) => [kind, sum(reports, (report) => report.counts[kind])]));
  const checked = sum(reports, (report) => report.checked);
  const ok = sum(reports, (report) => report.ok);
  const elapsedMs = sum(reports, (report) => report.elapsedMs);
  const requests = { heads: sum(reports, (report) => report.requests.heads), pages: sum(reports, (report) => report.requests.pages) };
  await context.emit({
    event: 'end',
    time: context.time(),
    exitCode: code,
    checked,
    ok,
    counts,
    requests,
    stopped: reports.some(({ stopped }) => stopped),
    elapsedMs: Math.round(elapsedMs),
  });
  await context.summarise([
    ...tableLines([
      ['as they were', countText(ok), ''],
      ...FINDINGS.map((kind) => [kind, countText(counts[kind] ?? 0), ''] as const),
      ['links', countText(checked), ''],
    ]),
    '',
    `${countOf(checked, 'link')} checked in ${durationText(elapsedMs)} with ${countOf(requests.pages, 'page')} of listings and ${countOf(requests.heads, 'single request')}`,
  ]);
  return code;
}
