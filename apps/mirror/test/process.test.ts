import { type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ended, eventsOf, namesIn, plant, plantFiles, run, start, treeOf, useFolder } from './command.ts';

const folder = useFolder();
const at = (name: string): string => join(folder.path, name);
const FILES = 6000;
const plantMany = (): void => plantFiles(at('from'), FILES);

/** Resolves when the command has told of its first copy. */
async function firstCopy(child: ChildProcess): Promise<void> {
  let text = '';
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: string | Buffer) => {
      text += String(chunk);
      if (text.includes('"outcome":"copied"')) resolve();
    });
    child.on('close', () => resolve());
  });
}

describe('signals', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s lets work in flight finish, and the next run does the rest', async (signal, code) => {
    plantMany();
    const child = start(['sync', at('from'), at('to'), '--json', '--transfers', '1']);
    const end = ended(child);
    await firstCopy(child);
    child.kill(signal);
    const first = await end;
    expect(first.code).toBe(code);
    expect(first.stderr).toContain('stowage-mirror: stopping: ');
    const last = eventsOf(first.stdout).at(-1) as { counts: Record<string, { objects: number }> };
    expect(last).toMatchObject({ event: 'end', exitCode: code, stopped: { by: 'caller' }, balanced: true, counts: { failed: { objects: 0 } } });
    const copied = last.counts['copied']?.objects ?? 0;
    expect(copied).toBeGreaterThan(0);
    expect(copied).toBeLessThan(FILES);
    expect(Object.keys(treeOf(at('to')) ?? {})).toHaveLength(copied);

    const second = await run(['sync', at('from'), at('to'), '--no-fsync']);
    expect(second.code).toBe(0);
    expect(treeOf(at('to'))).toEqual(treeOf(at('from')));
  });

  it('a second SIGINT ends it at once', async () => {
    plantMany();
    const child = start(['sync', at('from'), at('to'), '--json', '--transfers', '1']);
    const end = ended(child);
    await firstCopy(child);
    child.kill('SIGINT');
    child.stderr?.once('data', () => child.kill('SIGINT'));
    expect((await end).code).toBe(130);
    expect((await run(['sync', at('from'), at('to'), '--no-fsync', '-q'])).code).toBe(0);
    expect(treeOf(at('to'))).toEqual(treeOf(at('from')));
  });

  it('SIGKILL at any moment leaves no torn file, and nothing of it after the next run', async () => {
    plantMany();
    const whole = treeOf(at('from')) ?? {};
    for (const ms of [150, 250, 350, 500, 700]) {
      const child = start(['sync', at('from'), at('to'), '-q']);
      const end = ended(child);
      await delay(ms);
      child.kill('SIGKILL');
      await end;
      // What has its name has its content.
      for (const [key, content] of Object.entries(treeOf(at('to')) ?? {})) if (key in whole) expect(content).toBe(whole[key]);
    }
    expect((await run(['sync', at('from'), at('to'), '-q', '--no-fsync'])).code).toBe(0);
    expect(namesIn(at('to'))).toEqual(namesIn(at('from')));
    expect(treeOf(at('to'))).toEqual(whole);
  });
});

describe('a reader that goes away', () => {
  it.each([
    ['plan', []],
    ['sync', ['--json', '--no-fsync']],
    ['sync', ['--verbose', '--no-progress', '--no-fsync']],
  ] as const)('ends "%s" %j without a word; nothing is torn, and the next run does the rest', async (command, options) => {
    plantMany();
    const child = start([command, at('from'), at('to'), ...options]);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += String(chunk)));
    child.stdout?.once('data', () => child.stdout?.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, stderr]).toEqual([141, '']);
    const whole = treeOf(at('from')) ?? {};
    for (const [key, content] of Object.entries(treeOf(at('to')) ?? {})) if (key in whole) expect(content).toBe(whole[key]);
    expect((await run(['sync', at('from'), at('to'), '-q', '--no-fsync'])).code).toBe(0);
    expect(namesIn(at('to'))).toEqual(namesIn(at('from')));
  });
});

it.runIf(existsSync('/dev/full'))('an output that takes nothing is told in one line', async () => {
  plant(at('from'), { a: '1' });
  const full = openSync('/dev/full', 'w');
  const child = start(['plan', at('from'), at('to')], { stdout: full });
  const { code, stderr } = await ended(child);
  closeSync(full);
  expect([code, stderr]).toEqual([1, 'stowage-mirror: standard output cannot be written (ENOSPC)\n']);
});

it('plans of any length are streamed whole to a slow reader', async () => {
  plantMany();
  const child = start(['plan', at('from'), at('to')]);
  const end = ended(child);
  child.stdout?.pause();
  await delay(300);
  child.stdout?.resume();
  const { stdout, code } = await end;
  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => /^copy {6}d/.test(line))).toHaveLength(FILES);
});

it('an interrupted deletion goes on where it was', async () => {
  plant(at('from'), { keep: '1' });
  plantFiles(at('to'), FILES);
  const child = start(['sync', at('from'), at('to'), '--delete', '--max-delete', '100%', '--json']);
  const end = ended(child);
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: string | Buffer) => {
      if (String(chunk).includes('"outcome":"deleted"')) resolve();
    });
    child.on('close', () => resolve());
  });
  child.kill('SIGINT');
  const first = await end;
  const last = eventsOf(first.stdout).at(-1);
  expect(last).toMatchObject({ balanced: true, counts: { failed: { objects: 0 } } });
  expect((await run(['sync', at('from'), at('to'), '--delete', '--max-delete', '100%', '-q'])).code).toBe(0);
  expect(treeOf(at('to'))).toEqual({ keep: '1' });
});
