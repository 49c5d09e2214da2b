import { formatDuration } from '@stowage/core';
import { OUTCOME_KINDS, type PairRuns, type PastRun, pastRuns } from '@stowage/transfer';
import { CommandError, type Terminal, visible, write } from '@stowage/terminal';
import { stateFolder } from './engine-settings.ts';
import { EXIT } from './exit-code.ts';
import { bytesText, countText } from '@stowage/terminal/quantity-text';

/** A command line of `runs` or `show`, read. */
export interface RunsRequest {
  /** A run as `runs` names it; absent: all. */
  readonly run?: string;
  readonly json: boolean;
}

/** Lists past runs, or tells one. */
export async function tellPastRuns({ run, json }: RunsRequest, terminal: Terminal): Promise<number> {
  const folder = stateFolder(terminal);
  const pairs = folder === undefined ? [] : pastRuns(folder);
  const named = pairs.flatMap((pair) => pair.runs.map((past) => ({ name: `${pair.id}-${past.id}`, pair, past })));
  named.sort((a, b) => (a.past.began < b.past.began ? -1 : 1));
  const found = run === undefined ? named : named.filter(({ name }) => name === run);
  if (run !== undefined && found.length === 0) throw new CommandError(`there is no run ${JSON.stringify(run)}; "stowage-mirror runs" lists them`);
  const lines = json
    ? found.map(({ name, pair, past }) => JSON.stringify({ run: name, source: placeText(pair.source), destination: placeText(pair.destination), ...past }))
    : run === undefined
      ? found.flatMap(({ name, pair, past }) => [`${name}  ${past.began}  ${past.mode}  ${stateText(past)}`, `  ${wayText(pair)}`])
      : found.flatMap(({ name, pair, past }) => runLines(name, pair, past));
  if (lines.length === 0 && !json) lines.push('No runs yet.');
  await write(terminal.stdout, lines.map((line) => `${line}\n`).join(''));
  return EXIT.inSync;
}

function placeText({ store, path }: PairRuns['source']): string {
  return store === 'file' ? `/${path.join('/')}` : `${store} ${path.join('/')}`;
}

function wayText({ source, destination }: PairRuns): string {
  return `${visible(placeText(source))} → ${visible(placeText(destination))}`;
}

function stateText({ report }: PastRun): string {
  if (report === undefined) return 'did not come to its end';
  const { counts, elapsedMs } = report;
  const changed = counts.copied.objects + counts.updated.objects;
  const troubles = counts.failed.objects + counts.conflict.objects;
  const text = `${countText(changed)} copied, ${countText(counts.deleted.objects)} deleted in ${formatDuration(elapsedMs)}`;
  return `${text}${troubles > 0 ? `, ${countText(troubles)} failed or in conflict` : ''}${report.stopped === undefined ? '' : `, stopped: ${visible(report.stopped)}`}`;
}

function runLines(name: string, pair: PairRuns, past: PastRun): string[] {
  const head = [`${past.mode} ${name}`, wayText(pair), `began ${past.began}${past.ended === undefined ? '' : `, ended ${past.ended}`}`];
  const { report } = past;
  if (report === undefined) return [...head, 'It was killed, or goes on. The next run of these places goes on where it was.'];
  const rows = OUTCOME_KINDS.map(
    (kind) => `${kind.padEnd(9)}${countText(report.counts[kind].objects).padStart(12)}${bytesText(report.counts[kind].bytes).padStart(12)}`,
  );
  const reasons = Object.entries(report.reasons).map(([reason, count]) => `  ${countText(count)} ${reason}`);
  return [
    ...head,
    '',
    ...rows,
    ...(reasons.length === 0 ? [] : ['', 'Reasons', ...reasons]),
    ...(report.guard === undefined ? [] : ['', `Nothing was deleted. ${visible(report.guard)}.`]),
    ...(report.stopped === undefined ? [] : ['', `Stopped: ${visible(report.stopped)}`]),
  ];
}
