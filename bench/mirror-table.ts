/** The results of `mirror.ts`, kept in one file over several invocations, and the table that is made of them. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Outcome } from './contest.ts';
import { median, type Run } from './paired.ts';
import type { MissingPeer, Peer } from './peers.ts';

/** One work, as it was last run. */
export interface WorkResult {
  readonly title: string;
  readonly at: string;
  readonly machine: string;
  /** Versions by program. */
  readonly versions: Readonly<Record<string, string>>;
  readonly missing: readonly MissingPeer[];
  readonly rounds: number;
  /** What it was measured with, where that is not what the other works have. */
  readonly remark?: string;
  readonly outcomes: readonly Outcome[];
}

export type Results = Record<string, WorkResult>;

export function readResults(path: string): Results {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : {};
}

export function keepResult(path: string, work: string, result: WorkResult): void {
  writeFileSync(`${path}.partial`, `${JSON.stringify({ ...readResults(path), [work]: result }, undefined, 2)}\n`);
  renameSync(`${path}.partial`, path);
}

export function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release().split('-')[0] ?? ''}`;
}

export function versionsOf(peers: readonly Peer[], minio: string): Record<string, string> {
  return { node: process.version, minio, ...Object.fromEntries(peers.map(({ program, version }) => [program, version])) };
}

/** A row of the table: one tool at one work. Ratios are medians over the rounds, each against Stowage's run of the same round. */
interface Row {
  readonly tool: string;
  readonly wall?: number;
  readonly wallRatio?: number;
  readonly cpu?: number;
  readonly cpuRatio?: number;
  readonly peak?: number;
  readonly runs: string;
}

function rowsOf({ outcomes, rounds }: WorkResult, ours: readonly Run[] = outcomes[0]?.runs ?? []): Row[] {
  return outcomes.map(({ tool, runs, note }) => {
    const times = runs.length === rounds && note === undefined ? String(rounds) : (note ?? String(runs.length));
    if (runs.length === 0) return { tool, runs: times };
    const of = (pick: (run: Run) => number): number => median(runs.map(pick));
    const ratio = (pick: (run: Run) => number): number =>
      median(
        runs.flatMap((run, i) => {
          const our = ours[i];
          return our === undefined ? [] : [pick(run) / pick(our)];
        }),
      );
    return {
      tool,
      wall: of(wallOf),
      wallRatio: ratio(wallOf),
      cpu: of(cpuOf),
      cpuRatio: ratio(cpuOf),
      peak: Math.max(...runs.map(({ peakMiB }) => peakMiB)),
      runs: times,
    };
  });
}

const wallOf = (run: Run): number => run.wallSeconds;
const cpuOf = (run: Run): number => run.cpuSeconds;

/** Everything, a line for each tool at each work. */
export function fullTable(results: Results): string {
  const figure = (value: number | undefined, digits: number): string => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits));
  const lines = [['work', 'tool', 'wall s', '÷ ours', 'CPU s', '÷ ours', 'peak MiB', 'rounds']];
  for (const result of Object.values(results))
    for (const [i, row] of rowsOf(result).entries())
      lines.push([
        i === 0 ? result.title : '',
        row.tool,
        figure(row.wall, 1),
        figure(row.wallRatio, 2),
        figure(row.cpu, 1),
        figure(row.cpuRatio, 2),
        figure(row.peak, 0),
        row.runs,
      ]);
  for (const [tool, peak] of highestPeaks(results))
    lines.push([tool === 'stowage-mirror' ? 'most memory in any of these' : '', tool, '', '', '', '', figure(peak, 0), '']);
  return `${markdown(lines)}\n\n${foot(results)}`;
}

/** A line for each work, and each way that Stowage does it: its own figures, and what each peer takes of wall and CPU for one of these. */
export function ratioTable(results: Results): string {
  const tools = [...new Set(Object.values(results).flatMap(({ outcomes }) => outcomes.map(({ tool }) => tool)))].filter((tool) => !tool.startsWith('stowage'));
  const lines = [['work', 'rounds', 'stowage-mirror', ...tools]];
  for (const result of Object.values(results))
    for (const { tool: way, runs } of result.outcomes.filter(({ tool }) => tool.startsWith('stowage'))) {
      const rows = rowsOf(result, runs);
      const ours = rows.find(({ tool }) => tool === way);
      const flags = way.replace('stowage-mirror', '').trim();
      lines.push([
        flags === '' ? result.title : `the same with \`${flags}\`, as the others do it`,
        String(runs.length),
        ours?.wall === undefined ? 'no figure' : `${ours.wall.toFixed(1)} s, CPU ${(ours.cpu ?? 0).toFixed(1)} s`,
        ...tools.map((tool) => {
          const row = rows.find((one) => one.tool === tool);
          if (row?.wallRatio === undefined || Number.isNaN(row.wallRatio)) return row?.runs ?? 'not measured';
          return `${row.wallRatio.toFixed(2)}, CPU ${(row.cpuRatio ?? 0).toFixed(2)}`;
        }),
      ]);
    }
  const peaks = highestPeaks(results);
  lines.push([
    'most memory',
    '',
    ...['stowage-mirror', ...tools].map((tool) => (peaks.has(tool) ? `${(peaks.get(tool) ?? 0).toFixed(0)} MiB` : 'not measured')),
  ]);
  return `What each takes of wall time and of CPU for one of \`stowage-mirror\`'s: above 1, \`stowage-mirror\` takes less. ${foot(results)}\n\n${markdown(lines)}`;
}

function highestPeaks(results: Results): Map<string, number> {
  const peaks = new Map<string, number>();
  for (const { outcomes } of Object.values(results))
    for (const { tool, runs } of outcomes) for (const { peakMiB } of runs) peaks.set(tool, Math.max(peaks.get(tool) ?? 0, peakMiB));
  return peaks;
}

/** What is true of all works, once; what differs, with each. */
function foot(results: Results): string {
  const all = Object.values(results);
  const distinct = (texts: readonly string[]): string => [...new Set(texts)].filter((text) => text !== '').join('; ');
  const programs = distinct(
    all.map(({ versions }) =>
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ),
  );
  // Ratios of two machines stand beside each other only where it is told which are whose.
  const machines = [...Map.groupBy(all, (result) => result.machine)]
    .map(([name, works], i) => {
      const where = `on ${name} (${distinct(works.map(({ at }) => at.slice(0, 10)))})`;
      return i === 0 ? where : `${where}: ${works.map(({ title }) => `"${title}"`).join(', ')}`;
    })
    .join('; ');
  return [
    `Measured with \`node bench/mirror.ts\` ${machines}; ${programs}.`,
    'MinIO has core 0, each client core 1; the tools take turns; medians of the rounds, the highest of the peaks; a peer that took one and a half times the best ran once.',
    distinct(all.map(({ remark }) => remark ?? '')),
    distinct(all.flatMap(({ missing }) => missing.map(({ program, reason }) => `${program} is left out: ${reason}.`))),
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function markdown(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...rest] = lines;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rest.map(line)].join('\n');
}
