/**
 * How long `stowage-mirror` takes to begin and to end where there is nothing to do, beside Node's own bare start: what is above that is
 * ours.
 *
 *   node bench/start-up.ts
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contestant, median, paired } from './paired.ts';

const RUNS = 20;
const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
const mirror = `${process.execPath} ${join(import.meta.dirname, '../apps/mirror/dist/main.js')}`;

/** Nobody reads what it says. */
const command = (name: string, text: string): Contestant => ({ name, command: () => `${text} >/dev/null` });

try {
  mkdirSync(join(root, 'from'));
  mkdirSync(join(root, 'to'));
  writeFileSync(join(root, 'from/a'), 'the one file');
  const results = await paired(
    [
      command('node -e 0', `${process.execPath} -e 0`),
      command('stowage-mirror --version', `${mirror} --version`),
      command('stowage-mirror sync, nothing to do', `${mirror} sync ${root}/from ${root}/to --no-progress`),
    ],
    RUNS,
  );
  console.log(`node ${process.version}, ${availableParallelism()} cores, ${RUNS} runs each, in turn`);
  for (const [name, runs] of results) {
    const wall = runs.map(({ wallSeconds }) => wallSeconds * 1000);
    const cpu = runs.map(({ cpuSeconds }) => cpuSeconds * 1000);
    const figure = (ms: number): string => `${ms.toFixed(0).padStart(5)} ms`;
    console.log(
      `  ${name.padEnd(36)} wall ${figure(median(wall))} (least ${figure(Math.min(...wall))})  cpu ${figure(median(cpu))} (least ${figure(Math.min(...cpu))})`,
    );
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
