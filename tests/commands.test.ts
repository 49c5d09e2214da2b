/** `pnpm -s stowage-mirror …` at the root is the built command, and nothing else is seen of the way there. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../scripts/workspace.ts';

const built = join(root, 'apps/mirror/dist/main.js');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-commands-'));
  mkdirSync(join(folder, 'source'));
  writeFileSync(join(folder, 'source', 'a file'), 'content');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function ended(command: string, args: string[], cwd: string): Ended {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('pnpm -s stowage-mirror', () => {
  it.each<[what: string, args: string[], status: number]>([
    ['help', ['--help'], 0],
    ['the version', ['--version'], 0],
    ['an unknown option', ['--no-such-option'], 2],
    ['an option that pnpm has too', ['sync', '--silent', '-C', '/', '--filter=x'], 2],
    ['quotes, spaces and what a shell would expand', ['sync', `it's "a" $HOME \`id\` \\ * ?`, 'x', 'y'], 2],
    ['an empty argument and a line break', ['sync', '', 'a\nb', 'c'], 2],
    ['what follows --', ['sync', '--', '--help', '-x', 'y'], 2],
    ['a source that is missing', ['sync', './no such folder', './destination'], 3],
  ])('hands over %s, with the output and exit code untouched', (_what, args, status) => {
    const direct = ended(process.execPath, [built, ...args], root);
    expect(direct.status).toBe(status);
    expect(ended('pnpm', ['-s', 'stowage-mirror', ...args], root)).toEqual(direct);
  });

  it("works in the caller's folder", () => {
    const cwd = join(root, 'docs');
    const args = ['sync', '../no such folder here', join(folder, 'x')];
    const direct = ended(process.execPath, [built, ...args], cwd);
    expect(direct.stderr).toContain('no such folder here');
    expect(ended('pnpm', ['-s', 'stowage-mirror', ...args], cwd)).toEqual(direct);
  });

  it('does its work', () => {
    const { status } = ended('pnpm', ['-s', 'stowage-mirror', 'sync', join(folder, 'source'), join(folder, 'destination')], root);
    expect(status).toBe(0);
    expect(ended('diff', ['-r', '-x', '.stowage', join(folder, 'source'), join(folder, 'destination')], root).status).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('passes %s on', async (signal, status) => {
    // More lines than a pipe holds: the command waits for its reader, and cannot have ended when the signal comes.
    const many = join(folder, `many-${signal}`);
    for (let i = 0; i < 40; i += 1) {
      mkdirSync(join(many, String(i)), { recursive: true });
      for (let j = 0; j < 100; j += 1) writeFileSync(join(many, String(i), String(j).padEnd(200, 'x')), `${i} ${j}`);
    }
    const child = spawn('pnpm', ['-s', 'stowage-mirror', 'sync', many, `${many}-copy`, '--verbose'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    child.stdout.pause();
    child.kill(signal);
    child.stdout.resume();
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(status);
  });
});
