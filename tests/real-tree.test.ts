/**
 * The built command on real trees, judged by `find`, `sha256sum` and `diff` alone: nothing of Stowage has a say in whether the
 * copy is right.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const command = join(import.meta.dirname, '../apps/mirror/dist/main.js');
const most = 2 * 1024 * 1024 * 1024;
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'stowage-real-tree-'));
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Finished {
  readonly code: number | null;
  readonly output: string;
}

function mirror(...args: string[]): Finished {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

function shell(script: string, ...args: string[]): string {
  return execFileSync('bash', ['-euo', 'pipefail', '-c', script, 'bash', ...args], { encoding: 'utf8', maxBuffer: 512 * 1024 * 1024 });
}

/** Every regular file, and every link to one that lies in the tree, with its SHA-256. */
function manifest(folder: string): string {
  return shell(
    `cd "$1"; top=$(pwd -P)
     { find . -type f -print0; find . -type l -print0 | while IFS= read -r -d '' link; do
         if target=$(readlink -e -- "$link") && [ -f "$target" ]; then case "$target" in "$top"/*) printf '%s\\0' "$link";; esac; fi; done; } |
       LC_ALL=C sort -z | xargs -0 sha256sum --`,
    folder,
  );
}

function leftovers(folder: string): string {
  return shell(`find "$1" -name '*.tmp' -name '.stowage*'`, folder);
}

describe('the tree of the operating system', () => {
  it('arrives byte for byte, and a second run copies nothing', { timeout: 600_000 }, (ctx) => {
    const source = treeOfTheSystem();
    if (source === undefined) return ctx.skip('this machine has no /usr/share of up to 2 GiB');
    const destination = join(root, 'share');
    const first = mirror('sync', source, destination);
    expect(first.output).not.toMatch(/\n\s+at /);
    expect(first.code, first.output).toBe(0);
    const expected = manifest(source);
    expect(expected.split('\n').length).toBeGreaterThan(1000);
    expect(manifest(destination)).toBe(expected);
    expect(shell('find "$1" -type l', destination)).toBe('');

    const second = spawnSync(process.execPath, [command, 'sync', source, destination, '--json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    expect(second.status).toBe(0);
    const summary = JSON.parse(second.stdout.trim().split('\n').at(-1) ?? '') as { counts: Record<string, { objects: number }> };
    expect(summary.counts).toMatchObject({ copied: { objects: 0 }, updated: { objects: 0 }, deleted: { objects: 0 }, failed: { objects: 0 } });
    expect(mirror('check', '--checksum', source, destination).code).toBe(0);
  });
});

/** `/usr/share`, or the part of it that a test may copy. */
function treeOfTheSystem(): string | undefined {
  return ['/usr/share', '/usr/share/doc'].find(
    (folder) => existsSync(folder) && Number.parseInt(shell('du -sk --apparent-size "$1"', folder), 10) * 1024 <= most,
  );
}

describe('names that are odd and allowed', () => {
  it('arrive as they are', () => {
    const source = join(root, 'odd');
    mkdirSync(join(source, 'sub'), { recursive: true });
    const names = [
      'new\nline',
      'tab\t',
      'cr\r',
      '\u007f',
      '\u0001',
      '-n',
      '--',
      ' lead',
      'trail ',
      'dot.',
      '%2F %25+&?#~*[\\\'"',
      '%2500',
      '\u{1F600}',
      '\u{E000}',
      'n\u0303',
      '\u00f1',
      'A',
      'a',
      'x'.repeat(255),
      '.stowage-a',
      '.hidden',
    ];
    for (const name of names) {
      writeFileSync(join(source, name), name);
      writeFileSync(join(source, 'sub', name), `sub ${name}`);
    }
    symlinkSync('A', join(source, 'link'));
    symlinkSync('../..', join(source, 'sub', 'out'));
    symlinkSync('loop', join(source, 'loop'));
    const destination = join(root, 'odd-copy');
    const run = mirror('sync', source, destination);
    expect(run.code, run.output).toBe(0);
    expect(manifest(destination)).toBe(manifest(source));
    expect(manifest(destination).split('\n').filter(Boolean)).toHaveLength(names.length * 2 + 1);
  });
});

describe('a name that is no key', () => {
  it('is told as a conflict and left alone, and the rest arrives', () => {
    // `%00` is how a bucket writes an empty part of a key; alone at the root it would be the empty key.
    const source = join(root, 'no-key');
    mkdirSync(join(source, 'sub'), { recursive: true });
    for (const name of ['%00', 'plain', 'sub/%00']) writeFileSync(join(source, name), name);
    const destination = join(root, 'no-key-copy');
    const run = mirror('sync', source, destination);
    expect(run.code, run.output).toBe(1);
    expect(run.output).toContain('1 in conflict');
    expect(shell('cd "$1"; find . -type f | LC_ALL=C sort', destination)).toBe('./plain\n./sub/%00\n');
  });
});

describe('kill -9', () => {
  it('at twenty random moments leaves no torn file, and no temporary after the next run', { timeout: 300_000 }, async () => {
    const source = join(root, 'kill');
    for (let i = 0; i < 2000; i++) {
      const folder = join(source, String(i % 20));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${i}`), Buffer.alloc(i % 9000, `${i} `));
    }
    for (let i = 0; i < 4; i++) writeFileSync(join(source, `large${i}`), Buffer.alloc(24 * 1024 * 1024 + i, `large ${i} `));
    const began = performance.now();
    expect(mirror('sync', source, join(root, 'kill-whole')).code).toBe(0);
    const whole = performance.now() - began;

    let killed = 0;
    for (let round = 0; round < 20; round++) {
      const destination = join(root, `kill-${round}`);
      const child = spawn(process.execPath, [command, 'sync', source, destination, '--no-progress'], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      await sleep(Math.random() * whole);
      if (child.kill('SIGKILL')) killed++;
      await ended;
      if (existsSync(destination)) {
        // Whatever bears an object's name is that object, whole.
        const torn = shell(
          `cd "$1"; find . -type f ! -name '.stowage*' -print0 | while IFS= read -r -d '' f; do cmp -s -- "$f" "$2/$f" || printf '%s\\n' "$f"; done`,
          destination,
          source,
        );
        expect(torn).toBe('');
      }
      const again = mirror('sync', source, destination);
      expect(again.code, again.output).toBe(0);
      expect(shell('diff -r "$1" "$2"', source, destination)).toBe('');
      expect(leftovers(destination)).toBe('');
      rmSync(destination, { recursive: true, force: true });
    }
    expect(killed).toBeGreaterThan(10);
  });
});
