/**
 * `stowage-mirror` beside `rclone sync`, `s5cmd sync`, `mc mirror` and `aws s3 sync`, on the same work in one run.
 *
 *   node bench/mirror.ts [work …] [--json FILE] [--keep]   runs works, or all, and prints the table of all that was run so far
 *   node bench/mirror.ts prepare [work …]                  makes what works start from, in minutes, and keeps it
 *   node bench/mirror.ts table [--markdown]                prints the table again; as two for a README, of ratios and of figures
 *
 * BENCH_DIR (default /var/tmp/stowage-bench) is where all lies but for the million objects, which lie in memory at BENCH_MEMORY_DIR
 * (default /dev/shm/stowage-bench), two inodes and some 1.3 KB for each; BENCH_RUNS is the number of rounds (default 5); BENCH_SCALE a
 * factor for all numbers of objects and sizes of large ones, to try it out. What a run had to prepare itself it removes, unless told `--keep`.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MINIO } from '@stowage/test-servers';
import { contest } from './contest.ts';
import { fullTable, keepResult, machine, ratioTable, readResults, versionsOf } from './mirror-table.ts';
import { type Bench, WORKS } from './mirror-works.ts';
import { findPeers } from './peers.ts';
import { pinned } from './pinned.ts';
import { StandingData } from './standing-data.ts';

const { values: options, positionals } = parseArgs({
  options: { json: { type: 'string' }, keep: { type: 'boolean', default: false }, markdown: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const base = process.env['BENCH_DIR'] ?? '/var/tmp/stowage-bench';
const file = options.json ?? join(base, 'mirror.json');
const rounds = Number(process.env['BENCH_RUNS'] ?? 5);
const scale = Number(process.env['BENCH_SCALE'] ?? 1);
for (const [name, value] of Object.entries({ BENCH_RUNS: rounds, BENCH_SCALE: scale }))
  if (!(value > 0)) throw new Error(`${name}: expected a number above 0, got ${process.env[name] ?? ''}`);

const [verb = ''] = positionals;
if (verb === 'table') printTable();
else await run(verb === 'prepare' ? positionals.slice(1) : positionals, verb === 'prepare');

function printTable(): void {
  const results = readResults(file);
  if (Object.keys(results).length === 0)
    throw new Error(`${file} has no results yet: run works first, as \`node bench/mirror.ts ${Object.keys(WORKS).join(' ')}\``);
  // In the order in which the works are listed here, whichever was run last.
  const sorted = Object.fromEntries(Object.keys(WORKS).flatMap((name) => (results[name] === undefined ? [] : [[name, results[name]]])));
  console.log(options.markdown ? `${ratioTable(sorted)}\n\n${fullTable(sorted)}` : fullTable(sorted));
}

async function run(chosen: readonly string[], prepareOnly: boolean): Promise<void> {
  const works = (chosen.length > 0 ? chosen : Object.keys(WORKS)).map((name) => {
    const work = WORKS[name];
    if (work === undefined) throw new Error(`expected some of ${Object.keys(WORKS).join(', ')}; got ${name}`);
    return { name, work };
  });
  // Neither this process nor a server that it starts takes anything of the clients' core.
  pinned(process.pid, 0);
  mkdirSync(base, { recursive: true });
  const standing = new StandingData(join(base, 'standing'), process.env['BENCH_MEMORY_DIR'] ?? '/dev/shm/stowage-bench');
  const { found: peers, missing } = await findPeers();
  for (const { program, reason } of missing) console.error(`${program} is left out: ${reason}`);
  const scratch = mkdtempSync(join(base, 'run-'));
  try {
    for (const { name, work } of works) {
      const bench: Bench = { standing, peers, scale, scratch: join(scratch, name) };
      mkdirSync(bench.scratch);
      if (prepareOnly) {
        await work.prepare(bench);
        continue;
      }
      const title = work.title(scale);
      console.error(`\n${name}: ${title}`);
      await using field = await work.field(bench);
      const outcomes = await contest(field.entrants, rounds);
      if (outcomes.some(({ runs }) => runs.length === 0)) process.exitCode = 1;
      keepResult(file, name, {
        title,
        at: new Date().toISOString(),
        machine: machine(),
        versions: versionsOf(peers, MINIO.version),
        missing,
        rounds,
        ...(field.remark === undefined ? {} : { remark: field.remark }),
        outcomes,
      });
    }
  } finally {
    // At the very end: ext4 creates files far slower where many were just deleted.
    rmSync(scratch, { recursive: true, force: true });
    if (!options.keep && !prepareOnly) standing.removeMade();
  }
  if (!prepareOnly) printTable();
}
