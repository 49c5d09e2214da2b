/**
 * `pnpm demo`: Stowage's main job on a real tree, this project's own installed packages. Works in a fresh folder under
 * `.demo/`, changes nothing outside of it, and ends with a table of what each step came to.
 *
 * The packages are copied first, by the mirror itself: later steps change files, and those in node_modules are hard links
 * into the store of every project on the machine.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { build, root } from './workspace.ts';

const runs = join(root, '.demo');
const packages = join(root, 'node_modules/.pnpm');
const command = join(root, 'apps/mirror/dist/main.js');

const strong = (text: string): string => styleText('bold', text, { stream: process.stdout });

/** How many objects of each outcome the command counted, by the words of its table. */
type Counts = Record<string, number>;

interface StepResult {
  readonly step: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly rate: string;
}

/** Ends the demo: a step did not come to what it had to. */
class DemoFailure extends Error {}

const results: StepResult[] = [];

async function demo(): Promise<void> {
  console.log(strong('Stowage mirrors a real tree into a local bucket, and proves it exact.'));
  console.log('Building it…');
  const started = performance.now();
  const built = await build();
  if (built.code !== 0) throw new DemoFailure(`the build failed:\n${built.output}`);
  results.push({ step: 'build the workspace', outcome: 'done', seconds: (performance.now() - started) / 1000, rate: '' });

  const folder = join(runs, new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-'));
  const tree = join(folder, 'tree');
  const bucket = join(folder, 'bucket');
  mkdirSync(bucket, { recursive: true });
  const config = join(folder, 'remote_links.yml');
  writeFileSync(config, `demo:\n  provider: fs\n  path: ${JSON.stringify(bucket)}\n  storage_id: demo\n`);
  const shownConfig = ['--config', relative(root, config)];
  const shownTree = relative(root, tree);

  // Twice, as two releases of one app lie side by side: tens of thousands of files.
  for (const release of ['release-1', 'release-2']) {
    const copied = await mirror(`copy the installed packages as ${release}`, ['sync', relative(root, packages), join(shownTree, release)]);
    expect(copied.counts, { copied: filesOf(join(tree, release)).length, updated: 0, deleted: 0, conflict: 0, failed: 0 });
  }
  console.log('(Skipped: pnpm links packages to each other; a link to a folder is told and not followed.)');
  const files = filesOf(tree).length;

  const second = await mirror('mirror them into the bucket', ['sync', shownTree, 'fs://demo', '--delete', ...shownConfig]);
  expect(second.counts, { copied: files, updated: 0, deleted: 0, skipped: 0, conflict: 0, failed: 0 });

  const third = await mirror('run again', ['sync', shownTree, 'fs://demo', '--delete', ...shownConfig]);
  expect(third.counts, { same: files, copied: 0, updated: 0, deleted: 0, skipped: 0, conflict: 0, failed: 0 });

  changeSomeFiles(tree);
  const fourth = await mirror('mirror the changes', ['sync', shownTree, 'fs://demo', '--delete', ...shownConfig]);
  expect(fourth.counts, { copied: 3, updated: 4, deleted: 2, skipped: 0, conflict: 0, failed: 0 });

  const fifth = await mirror('check by content', ['check', '--checksum', shownTree, 'fs://demo', ...shownConfig]);
  expect(fifth.counts, { same: files + 1, missing: 0, differs: 0, extra: 0, conflict: 0, failed: 0 });

  compareWithoutStowage(tree, bucket);
  printTable();
  console.log(`\nThe bucket is plain files: look at ${relative(root, bucket)}. Every run leaves its folder; to delete them all: rm -r .demo`);
}

/** Runs the built command as a user would, with its output on the terminal, and reads the table that it ends with. */
function mirror(step: string, args: string[]): Promise<{ counts: Counts }> {
  console.log(`\n${strong(`── ${step}`)}\n$ pnpm -s stowage-mirror ${args.join(' ')}`);
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      process.stdout.write(chunk);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = (performance.now() - started) / 1000;
      const output = Buffer.concat(chunks).toString('utf8');
      if (code !== 0) {
        reject(new DemoFailure(`"${step}" ended with code ${code}, expected 0`));
        return;
      }
      const counts: Counts = {};
      for (const [, outcome = '', count = ''] of output.matchAll(/^([a-z]+) +([\d,]+) +[\d.]+ [KMGT]?i?B/gm)) {
        if (outcome !== 'total') counts[outcome] = Number(count.replaceAll(',', ''));
      }
      const rate = /: ([^:\n]*\/s)$/m.exec(output)?.[1] ?? '';
      results.push({ step, outcome: outcomeText(args[0] ?? '', counts), seconds, rate });
      resolve({ counts });
    });
  });
}

function outcomeText(step: string, counts: Counts): string {
  const changes = ['copied', 'updated', 'deleted', 'missing', 'differs', 'extra'].filter((outcome) => (counts[outcome] ?? 0) > 0);
  const start = changes.length > 0 ? [] : [step === 'check' ? 'no differences' : '0 to copy'];
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return [...start, ...some.map(([outcome, count]) => `${count.toLocaleString('en')} ${outcome}`)].join(', ');
}

function expect(counts: Counts, expected: Record<string, number | undefined>): void {
  for (const [outcome, wanted] of Object.entries(expected)) {
    if (counts[outcome] !== wanted) throw new DemoFailure(`expected ${wanted} ${outcome}; got ${counts[outcome] ?? 'no such line'}`);
  }
}

/** Four files edited, three new, two gone. */
function changeSomeFiles(tree: string): void {
  const files = filesOf(tree);
  const some = [0.1, 0.3, 0.5, 0.7, 0.85, 0.95].map((share) => join(tree, files[Math.floor(files.length * share)] ?? ''));
  for (const file of some.slice(0, 4)) appendFileSync(file, 'changed by the demo\n');
  for (const file of some.slice(4)) rmSync(file);
  for (const name of ['new file.txt', 'new, 100 % odd #1.txt', 'neu-ü-😀.txt']) writeFileSync(join(tree, name), `${name}\n`);
  console.log(`\n${strong('── change the tree')}\n4 files edited, 3 new, 2 gone`);
}

/** Every path and its SHA-256 on both sides, by Node alone: nothing of Stowage has a say in it. */
function compareWithoutStowage(tree: string, bucket: string): void {
  console.log(`\n${strong('── compare again, without Stowage')}`);
  const started = performance.now();
  const [left, right] = [tree, bucket].map((folder) => filesOf(folder).map((file) => `${sha256(join(folder, file))}  ${file}`));
  const differing = (left ?? []).filter((line, index) => line !== right?.[index]);
  if (left === undefined || right === undefined || left.length !== right.length || differing.length > 0) {
    throw new DemoFailure(`the two folders differ: ${left?.length} and ${right?.length} files, first difference: ${differing[0] ?? 'at the end'}`);
  }
  console.log(`${left.length.toLocaleString('en')} files: the same names, the same SHA-256`);
  results.push({
    step: 'compare without Stowage',
    outcome: `${left.length.toLocaleString('en')} equal by SHA-256`,
    seconds: (performance.now() - started) / 1000,
    rate: '',
  });
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** The regular files of a folder, relative to it and in order, without what the bucket keeps for itself; links are not followed. */
function filesOf(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(below, entry.name);
      if (entry.isDirectory()) return path === '.stowage' ? [] : filesOf(folder, path);
      return entry.isFile() ? [path] : [];
    })
    .toSorted();
}

function printTable(): void {
  const rows = results.map(({ step, outcome, seconds, rate }) => [step, outcome, `${seconds.toFixed(1)} s`, rate]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = ([step = '', outcome = '', time = '', rate = '']: string[]): string =>
    `${step.padEnd(widths[0] ?? 0)}  ${outcome.padEnd(widths[1] ?? 0)}  ${time.padStart(widths[2] ?? 0)}  ${rate}`.trimEnd();
  console.log(`\n${strong(line(['step', 'outcome', 'time', 'rate']))}\n${rows.map(line).join('\n')}`);
}

try {
  await demo();
} catch (error) {
  if (!(error instanceof DemoFailure)) throw error;
  console.error(`\ndemo: ${error.message}`);
  process.exitCode = 1;
}
