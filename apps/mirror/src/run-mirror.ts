import { mirror, MirrorRefusal, type MirrorReport, type MirrorRun, type Outcome, parseDeleteLimit, type TrippedGuard } from '@stowage/transfer';
import { CommandError, type Terminal, visible, write } from '@stowage/terminal';
import type { Standing } from './endpoint-traffic.ts';
import { engineSettings, journalOptions } from './engine-settings.ts';
import { withErrorEvent } from './error-event.ts';
import { EXIT, exitCode, REFUSAL_EXIT } from './exit-code.ts';
import { FailureGroups } from './failure-groups.ts';
import { endEvent, eventLine, type JsonEvent, outcomeEvent } from './json-events.ts';
import type { MirrorRequest } from './mirror-request.ts';
import { openPlaces, type OpenPlaces } from './open-places.ts';
import { outcomeLine } from './outcome-words.ts';
import { liveView, plainView, type ProgressView } from './progress-view.ts';
import { summaryLines } from './summary.ts';
import { ReportFiles } from './report-files.ts';

/** Runs a command to its end and gives its exit code. Throws `CommandError` for what the user can put right. */
export function runMirror(request: MirrorRequest, terminal: Terminal): Promise<number> {
  return withErrorEvent(request, terminal, async () => {
    try {
      const places = await openPlaces(request, terminal);
      try {
        return await runBetween(places, request, terminal);
      } finally {
        await places.close();
      }
    } catch (error) {
      throw error instanceof MirrorRefusal ? new CommandError(error.message, REFUSAL_EXIT[error.reason], error) : error;
    }
  });
}

async function runBetween(places: OpenPlaces, request: MirrorRequest, terminal: Terminal): Promise<number> {
  const emit = (event: JsonEvent): void | Promise<void> => (request.json ? write(terminal.stdout, eventLine(event)) : undefined);
  const { source, destination } = places;
  const mode = request.command === 'plan' ? 'sync' : request.command;
  const dryRun = request.command === 'plan' || request.dryRun;
  const limit = request.maxDelete === undefined ? undefined : parseDeleteLimit(request.maxDelete);
  await emit({
    event: 'start',
    time: terminal.today().toISOString(),
    command: request.command,
    source: source.label,
    destination: destination.label,
    dryRun,
    delete: request.delete,
    comparison: request.comparison,
  });
  const settings = engineSettings(request.engine, terminal);
  const journal = journalOptions(request.engine, places, terminal);
  const reports = request.engine.reportDir === undefined ? undefined : new ReportFiles(request.engine.reportDir, places, terminal);
  const failures = new FailureGroups();
  const tellOutcomes = outcomeTeller(request, terminal, { mode, dryRun });
  // What a question or a metric looks at, when it is there.
  const live: { run?: MirrorRun; view?: ProgressView | undefined } = {};
  const { metricsPort } = request.engine;
  const metrics =
    metricsPort === undefined
      ? undefined
      : await (await import('./metrics-server.ts')).serveMetrics(metricsPort, () => (live.run === undefined ? undefined : standing(live.run, places)));
  if (metrics !== undefined) terminal.stderr.write(`stowage-mirror: metrics at ${metrics.url}\n`);
  const run = mirror(source.bucket, destination.bucket, {
    mode,
    dryRun,
    delete: request.delete,
    ...(limit === undefined ? {} : { maxDelete: limit }),
    comparison: request.comparison,
    ...(request.transfers === undefined ? {} : { transfers: request.transfers }),
    ...settings,
    ...(journal === undefined ? {} : { journal }),
    confirmDeletions: (guard) => confirmed(guard, request, terminal, () => live.view?.stop()),
    scratchFolder: terminal.scratchFolder,
    now: terminal.now,
    observer: {
      outcomes(batch) {
        failures.add(batch);
        reports?.add(batch);
        return tellOutcomes?.(batch);
      },
      notice(text) {
        terminal.stderr.write(`stowage-mirror: ${text}\n`);
        void emit({ event: 'notice', message: text });
      },
    },
  });
  live.run = run;
  const view = await progressView(run, places, request, terminal, mode, emit, tellOutcomes !== undefined && !request.json);
  live.view = view;
  const signals = heedSignals(run, view, terminal);
  let report: MirrorReport;
  try {
    report = await run.report;
  } finally {
    view?.stop();
    signals.end();
    metrics?.close();
    reports?.close();
  }
  const code = signals.received === undefined || report.stopped?.by !== 'caller' ? exitCode(report, request.exitCode) : SIGNAL_EXIT[signals.received];
  reports?.end(report, code, terminal.today().toISOString());
  await emit(endEvent(report, code, terminal.today().toISOString()));
  await tellPeople(report, failures, request, terminal);
  return code;
}

/** Whether more deletions than the limit are to be made: a person is asked, a script says so beforehand. */
async function confirmed({ message }: TrippedGuard, request: MirrorRequest, { ask, stderr }: Terminal, pause: () => void): Promise<boolean> {
  if (request.engine.yes) return true;
  if (ask === undefined || request.json) return false;
  pause();
  stderr.write(`stowage-mirror: ${visible(message)}\n`);
  return /^y(es)?$/i.test((await ask('Delete them all the same? [y/N] ')).trim());
}

const SIGNAL_EXIT = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/** Writes a line or an event for each outcome that is of interest; none: nobody wants them. */
function outcomeTeller(
  request: MirrorRequest,
  terminal: Terminal,
  run: Pick<MirrorReport, 'mode' | 'dryRun'>,
): ((batch: readonly Outcome[]) => void | Promise<void>) | undefined {
  const all = request.detail === 'verbose';
  // What a plan or a check has found is what they were asked for; what a mirror has done is counted.
  const lists = run.dryRun || run.mode === 'check';
  if (!request.json && !all && (!lists || request.detail === 'quiet')) return undefined;
  const text = request.json ? (outcome: Outcome): string => eventLine(outcomeEvent(outcome)) : (outcome: Outcome): string => outcomeLine(outcome, run);
  return (batch) => {
    // One write for a batch: a plan of millions of lines is bound by its writes.
    const lines = (all ? batch : batch.filter(isOfInterest)).map(text).join('');
    return lines === '' ? undefined : write(terminal.stdout, lines);
  };
}

/** What is the same, or only at the destination and kept, or left out by a filter, is the rule in a mirror; it is counted. */
function isOfInterest({ kind, reason }: Outcome): boolean {
  return kind !== 'same' && reason !== 'extra' && reason !== 'excluded';
}

function standing(run: MirrorRun, places: OpenPlaces): Standing {
  const endpoints = places.loads();
  return { ...run.progress(), ...(endpoints.length === 0 ? {} : { endpoints }) };
}

async function progressView(
  run: MirrorRun,
  places: OpenPlaces,
  request: MirrorRequest,
  { stderr, today, env }: Terminal,
  mode: MirrorReport['mode'],
  emit: (event: JsonEvent) => void | Promise<void>,
  linesOnStdout: boolean,
): Promise<ProgressView | undefined> {
  if (!request.progress || (request.detail === 'quiet' && !request.json)) return undefined;
  // Lines and a block that redraws itself would write over each other; a terminal that is dumb cannot go back.
  if (stderr.isTTY === true && env['TERM'] !== 'dumb' && !linesOnStdout && !request.json) return liveView(stderr, () => standing(run, places), mode);
  return plainView(
    () => standing(run, places),
    (snapshot, line) => {
      if (request.detail !== 'quiet') stderr.write(`${line}\n`);
      void emit({ event: 'progress', time: today().toISOString(), ...snapshot });
    },
    mode,
  );
}

/** The first signal lets work in flight finish, the second ends the process. */
function heedSignals(run: MirrorRun, view: ProgressView | undefined, terminal: Terminal): { readonly received: 'SIGINT' | 'SIGTERM' | undefined; end(): void } {
  const heed: { received: 'SIGINT' | 'SIGTERM' | undefined; end: () => void } = { received: undefined, end: () => undefined };
  heed.end = terminal.onSignal((signal) => {
    if (heed.received !== undefined) {
      view?.stop();
      terminal.exitNow(SIGNAL_EXIT[signal]);
      return;
    }
    heed.received = signal;
    run.stop();
    terminal.stderr.write(
      `stowage-mirror: stopping: ${run.progress().inFlight} in flight will be finished; ${signal === 'SIGINT' ? 'Ctrl-C again' : 'another signal'} ends it at once\n`,
    );
  });
  return heed;
}

async function tellPeople(report: MirrorReport, failures: FailureGroups, request: MirrorRequest, terminal: Terminal): Promise<void> {
  const troubles = failures.lines();
  if (troubles.length > 0) await write(terminal.stderr, `${troubles.join('\n')}\n\n`);
  if (request.detail === 'quiet' && report.guard === undefined && report.stopped === undefined) return;
  await write(request.json ? terminal.stderr : terminal.stdout, `${summaryLines(report).join('\n')}\n`);
}
