import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { liveView } from '../src/progress-view.ts';
import { COMPILE_CACHE, ended, NODE_ARGUMENTS, plantFiles, useFolder } from './command.ts';

const folder = useFolder();
const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';

class FakeTerminal extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows = 24;
  text = '';
  constructor(columns: number) {
    super({ decodeStrings: false });
    this.columns = columns;
  }
  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

const SNAPSHOT = {
  phase: 'copying',
  elapsedMs: 83_000,
  compared: 123_456,
  listed: true,
  toDo: { objects: 123_456, bytes: 987_654_321_000 },
  done: { objects: 61_728, bytes: 493_827_160_500 },
  inFlight: 2048,
  concurrency: 2048,
  throttled: 0,
  failed: 12,
  conflicts: 3,
  deletions: { done: 0, toDo: 0 },
} as const;

describe('the live block', () => {
  it.each([60, 80, 200])('fits %i columns', async (columns) => {
    const terminal = new FakeTerminal(columns);
    const view = await liveView(terminal, () => SNAPSHOT, 'sync');
    const drawn = stripVTControlCharacters(terminal.text);
    await delay(250);
    view.stop();
    expect(drawn).toContain('Copying  61,728 of 123,456 objects, 460 GiB of 920 GiB');
    expect(drawn).toContain(' 50 %');
    expect(drawn).toContain('2,048 in flight');
    expect(drawn).toContain('123,456 compared; 12 failed, 3 in conflict');
    expect(Math.max(...drawn.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    // Nothing of it stays, and nothing is drawn any more.
    const behind = terminal.text;
    await delay(250);
    expect(terminal.text).toBe(behind);
  });

  it.each([60, 80])('tells of each endpoint in %i columns', async (columns) => {
    const endpoints = [
      { endpoint: '127.0.0.1:9000', inFlight: 1, throttled: 0 },
      { endpoint: 'a-very-long-name-of-an-account-of-somebody.blob.core.windows.net', inFlight: 2048, throttled: 1 },
      { endpoint: 's3.amazonaws.com', inFlight: 0, throttled: 1234 },
    ];
    const terminal = new FakeTerminal(columns);
    const view = await liveView(terminal, () => ({ ...SNAPSHOT, endpoints }), 'sync');
    view.stop();
    const drawn = stripVTControlCharacters(terminal.text);
    expect(drawn).toContain('127.0.0.1:9000: 1 request\n');
    expect(drawn).toMatch(/\na-very-long-name-of-\S*…: 2,048 requests, throttled once\n/);
    expect(drawn).toContain('s3.amazonaws.com: 0 requests, throttled 1,234 times');
    expect(Math.max(...drawn.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
  });

  it('says what is going on where nothing is copied', async () => {
    const shown = async (change: object, mode: 'sync' | 'check'): Promise<string> => {
      const terminal = new FakeTerminal(60);
      const view = await liveView(terminal, () => ({ ...SNAPSHOT, ...change }), mode);
      view.stop();
      return stripVTControlCharacters(terminal.text);
    };
    expect(await shown({ toDo: { objects: 0, bytes: 0 }, listed: false }, 'sync')).toContain('Comparing  123,456 compared, listing on');
    expect(await shown({}, 'check')).toContain('Comparing  123,456 compared');
    expect(await shown({ phase: 'deleting', deletions: { done: 5, toDo: 10 } }, 'sync')).toContain('Deleting 5 of 10');
  });
});

describe('a real terminal', () => {
  const terminal = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
    spawn('script', ['-qfec', `stty rows 24 cols 60; exec ${[process.execPath, ...NODE_ARGUMENTS, ...args].join(' ')}`, '/dev/null'], {
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, TERM: 'xterm', ...env },
    });
  const isThere = spawnSync('script', ['--version']).status === 0;
  const gaveCursorBack = (text: string): void => {
    expect(text).toContain(HIDE);
    expect(text.lastIndexOf(SHOW)).toBeGreaterThan(text.lastIndexOf(HIDE));
  };

  it('gets its cursor back', async (context) => {
    if (!isThere) context.skip('there is no script(1) of util-linux to make a terminal');
    plantFiles(join(folder.path, 'from'), 50);
    const { stdout, code } = await ended(terminal(['sync', join(folder.path, 'from'), join(folder.path, 'to')]));
    expect(code).toBe(0);
    gaveCursorBack(stdout);
    expect(stripVTControlCharacters(stdout)).toMatch(/copied +50 /);
  });

  it('that cannot go back is written line after line', async (context) => {
    if (!isThere) context.skip('there is no script(1) of util-linux to make a terminal');
    plantFiles(join(folder.path, 'from'), 50);
    const { stdout, code } = await ended(terminal(['sync', join(folder.path, 'from'), join(folder.path, 'to')], { TERM: 'dumb' }));
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/copied +50 /);
  });

  // Without script(1) of util-linux there is no terminal to press keys on.
  it.runIf(isThere).each([
    ['Ctrl-C', 1],
    ['Ctrl-C twice', 2],
  ])('gets its cursor back at %s', async (_, times) => {
    plantFiles(join(folder.path, 'from'), 6000);
    const child = terminal(['sync', join(folder.path, 'from'), join(folder.path, 'to'), '--transfers', '1']);
    const end = ended(child);
    let seen = '';
    let pressed = 0;
    child.stdout?.on('data', (text: string) => {
      seen += text;
      if (pressed < times && seen.includes(pressed === 0 ? 'in flight' : 'stopping: ')) {
        pressed++;
        child.stdin?.write('\u0003');
      }
    });
    const { code, stdout } = await end;
    expect(code).toBe(130);
    gaveCursorBack(stdout);
    if (times === 1) expect(stdout).toContain('Interrupted: what was copied stays; run again to go on.');
  });
});
