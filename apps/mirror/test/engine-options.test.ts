import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Terminal } from '@stowage/terminal';
import { runCli } from '../src/cli.ts';
import { type Ended, ended, eventsOf, plant, plantFiles, start, treeOf, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';

const folder = useFolder();
const at = (name: string): string => join(folder.path, name);
const state = (): Readonly<Record<string, string>> => ({ XDG_STATE_HOME: at('state') });
const TREE = { 'a.jpg': '1', 'a.tmp': '22', 'keep/x.tmp': '333', 'node_modules/m.js': '4444', 'src/n.js': '55555' };
/** The command in this process: no need to start one for what says no more of processes. */
async function here(args: readonly string[], env: Readonly<Record<string, string>> = state(), ask?: Terminal['ask']): Promise<Ended> {
  const terminal = fakeTerminal(folder.path, (name) => import(name), env);
  const code = await runCli(args, ask === undefined ? terminal : { ...terminal, ask });
  return { code, signal: null, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
}
const sync = (...args: string[]): Promise<Ended> => here(['sync', at('from'), at('to'), '-q', ...args]);

describe('filters', () => {
  it.each([
    [
      ['--exclude', '*.tmp'],
      ['a.jpg', 'node_modules/m.js', 'src/n.js'],
    ],
    [
      ['--include', 'keep/**', '--exclude', '*.tmp', '--exclude', 'node_modules/'],
      ['a.jpg', 'keep/x.tmp', 'src/n.js'],
    ],
    [['--exclude', '*.tmp', '--include', 'keep/**'], []],
    [
      ['--include', '*.js'],
      ['node_modules/m.js', 'src/n.js'],
    ],
    [
      ['--min-size', '2', '--max-size', '4'],
      ['a.tmp', 'keep/x.tmp', 'node_modules/m.js'],
    ],
    [['--max-age', '1h'], ['src/n.js']],
    [
      ['--min-age', '1h', '--include', '*.j*'],
      ['a.jpg', 'node_modules/m.js'],
    ],
  ])('%j', async (args, keys) => {
    plant(at('from'), TREE);
    utimesSync(at('from/src/n.js'), new Date(), new Date());
    expect(await sync(...args)).toMatchObject({ code: 0 });
    expect(Object.keys(treeOf(at('to')) ?? {}).toSorted()).toEqual(keys);
  });

  it('come from files, too, in their place among the others', async () => {
    plant(at('from'), TREE);
    writeFileSync(at('rules'), '# ours\n- *.tmp\n- node_modules/\n');
    expect((await sync('--include', 'keep/**', '--filter-from', at('rules'))).code).toBe(0);
    expect(Object.keys(treeOf(at('to')) ?? {})).toEqual(['a.jpg', 'keep/x.tmp', 'src/n.js']);
    writeFileSync(at('list'), 'a.jpg\0src/n.js\0gone');
    const listed = await here(['sync', at('from'), at('other'), '-q', '--files-from', at('list')], state());
    expect(Object.keys(treeOf(at('other')) ?? {})).toEqual(['a.jpg', 'src/n.js']);
    expect(listed.stderr).toContain('1 of the keys that were asked for is on neither side: "gone"');
  });

  it.each([
    [['--include', '[a'], '--include: "[a" is no pattern: a "[" is not closed'],
    [['--include', 'a', '--exclude', ''], '--exclude: "" is no pattern: it is empty'],
    [['--filter-from', 'nowhere'], '--filter-from: "nowhere" cannot be read (ENOENT)'],
    [['--min-size', '10MB'], 'Expected "10m" or "10MiB" for 1,024s'],
    [['--max-age', 'soon'], 'Expected a duration such as'],
    [['--bwlimit', 'fast'], '--bwlimit: expected bytes a second such as 10M'],
    [['--trash', '../x'], '--trash: expected a folder of the destination such as .trash; got "../x"'],
    [['--update', '--immutable'], "option '-u, --update' cannot be used with option '--immutable'"],
    [['--max-duration', '30d'], 'Expected a time from 1ms to 24d'],
    [['--max-transfer', 'much'], 'Expected a size such as'],
    [['--retries', 'many'], 'Expected a whole number from 0 to 100'],
  ])('%j is refused', async (args, why) => {
    plant(at('from'), TREE);
    const { code, stderr } = await sync(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
    expect(existsSync(at('to'))).toBe(false);
  });
});

describe('a limit', () => {
  it('ends with 8 at a limit, deletes nothing, and the next runs do the rest', async () => {
    const tree = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`d${i % 10}/f${i}`, `${i}`]));
    plant(at('from'), tree);
    plant(at('to'), { extra: '!' });
    const limited = ['--max-transfer', '100', '--transfers', '1', '--delete'];
    const first = await sync(...limited);
    expect(first.code).toBe(8);
    expect(first.stdout).toContain('the limit of this run is reached: it has sent more than 100 B;');
    const copied = Object.keys(treeOf(at('to')) ?? {}).length - 1;
    expect([copied > 0, copied < 1200, existsSync(at('to/extra'))]).toEqual([true, true, true]);
    let code: number | null = 8;
    for (let run = 0; code === 8 && run < 10; run++) ({ code } = await sync(...limited));
    expect(code).toBe(0);
    expect(treeOf(at('to'))).toEqual(treeOf(at('from')));
  });
});

describe('what goes', () => {
  it('is put into the trash', async () => {
    plant(at('from'), { a: 'new' });
    plant(at('to'), { a: 'old!', gone: 'x' });
    expect((await sync('--delete', '--trash', '.trash')).code).toBe(0);
    const tree = treeOf(at('to')) ?? {};
    expect(Object.entries(tree).map(([key, content]) => [key.replace(/^\.trash\/[^/]+/, 'T'), content])).toEqual(
      expect.arrayContaining([
        ['T/a', 'old!'],
        ['T/gone', 'x'],
        ['a', 'new'],
      ]),
    );
    expect(Object.keys(tree)).toHaveLength(3);
  });

  it('above the limit needs --yes in a script', async () => {
    plant(at('from'), { a: '1' });
    plantFiles(at('to'), 5);
    const refused = await sync('--delete', '--max-delete', '3');
    expect([refused.code, Object.keys(treeOf(at('to')) ?? {})]).toEqual([5, expect.objectContaining({ length: 6 })]);
    // A person is asked.
    const asked = await here(['sync', at('from'), at('to'), '--delete', '--max-delete', '3'], state(), () => Promise.resolve('no'));
    expect([asked.code, asked.stderr]).toEqual([5, expect.stringContaining('over the limit of 3')]);
    expect((await sync('--delete', '--max-delete', '3', '--yes')).code).toBe(0);
    expect(treeOf(at('to'))).toEqual({ a: '1' });
    plantFiles(at('to'), 5);
    expect((await here(['sync', at('from'), at('to'), '--delete', '--max-delete', '3'], state(), () => Promise.resolve('y'))).code).toBe(0);
    expect(treeOf(at('to'))).toEqual({ a: '1' });
  });
});

describe('check --download', () => {
  it('reads every byte of both', async () => {
    plant(at('from'), { a: 'one', b: 'two' });
    plant(at('to'), { a: 'one', b: 'TWO' });
    expect((await here(['check', at('from'), at('to'), '-q'])).code).toBe(0);
    expect(await here(['check', at('from'), at('to'), '--download'])).toMatchObject({ code: 6, stdout: expect.stringContaining('differs   b') as string });
  });
});

describe('a second run on the same two places', () => {
  it('ends with 75 and says whose turn it is; another pair is free', async () => {
    plantFiles(at('from'), 3000);
    const first = start(['sync', at('from'), at('to'), '--json', '--transfers', '1'], { env: state() });
    const end = ended(first);
    await new Promise<void>((resolve) => first.stdout?.once('data', () => resolve()));
    while (!existsSync(at('to'))) await delay(5);
    const second = await sync();
    expect([second.code, second.stderr]).toEqual([
      75,
      expect.stringMatching(/another run is at work on these two places: process \d+ on .* since .*Z; wait for it to end/),
    ]);
    expect((await here(['sync', at('from'), at('third'), '-q', '--no-fsync'], state())).code).toBe(0);
    first.kill('SIGKILL');
    await end;
    // The process is gone: its place is free at once.
    expect((await sync('--no-fsync')).code).toBe(0);
    expect(treeOf(at('to'))).toEqual(treeOf(at('from')));
  });

  it('keeps nothing in a tree that is mirrored, and says so', async () => {
    plant(at('from'), { a: '1' });
    mkdirSync(at('from/home'));
    const { code, stderr } = await here(['sync', at('from'), at('to'), '-q'], { HOME: at('from/home') });
    expect([code, stderr]).toEqual([0, expect.stringContaining('no journal is kept: its folder')]);
    expect(Object.keys(treeOf(at('from')) ?? {})).toEqual(['a']);
    expect((await here(['sync', at('from'), at('to'), '-q', '--no-journal'], { HOME: at('from/home') })).stderr).toBe('');
  });
});

describe('a run that was killed', () => {
  it('is gone on with under other options', async () => {
    plantFiles(at('from'), 3000);
    plant(at('from'), { 'left-out.tmp': 't', 'd0/f00000': 'CONTENT OF 0' });
    plant(at('to'), { extra: 'x', 'd0/f00000': 'content of 0' });
    const first = start(['sync', at('from'), at('to'), '--json', '--size-only', '--exclude', '*.tmp', '--transfers', '1'], { env: state() });
    const end = ended(first);
    first.stdout?.on('data', (chunk: string) => {
      if (chunk.includes('"outcome":"copied"')) first.kill('SIGKILL');
    });
    expect((await end).signal).toBe('SIGKILL');
    // Sizes alone hid that one file differs; the runs behind it are not told by it that the two were the same.
    expect((await sync('--size-only', '--exclude', '*.tmp', '--no-fsync')).code).toBe(0);
    expect(treeOf(at('to'))).toMatchObject({ extra: 'x', 'd0/f00000': 'content of 0' });
    expect((await sync('--checksum', '--delete', '--exclude', '*.tmp', '--no-fsync')).code).toBe(0);
    const { 'left-out.tmp': leftOut, ...others } = treeOf(at('from')) ?? {};
    expect([leftOut, treeOf(at('to'))]).toEqual(['t', others]);
    expect((await sync('--no-fsync')).code).toBe(0);
    expect(treeOf(at('to'))).toEqual(treeOf(at('from')));
  });
});

describe('what a run leaves to read', () => {
  it('--report-dir has a file for each kind, and the report', async () => {
    plant(at('from'), { a: '1', b: 'new' });
    plant(at('to'), { b: 'o', gone: 'x' });
    expect((await sync('--delete', '--report-dir', at('report'))).code).toBe(0);
    const lines = (name: string): unknown[] => eventsOf(readFileSync(at(`report/${name}`), 'utf8'));
    expect(lines('copied.jsonl')).toEqual([{ event: 'outcome', outcome: 'copied', key: 'a', bytes: 1 }]);
    expect(lines('updated.jsonl')).toEqual([{ event: 'outcome', outcome: 'updated', key: 'b', bytes: 3, reason: 'size' }]);
    expect(lines('deleted.jsonl')).toEqual([{ event: 'outcome', outcome: 'deleted', key: 'gone', bytes: 1 }]);
    expect(lines('failed.jsonl')).toEqual([]);
    expect(JSON.parse(readFileSync(at('report/report.json'), 'utf8'))).toMatchObject({ event: 'end', exitCode: 0, balanced: true });
    expect(readdirSync(at('report')).toSorted()).toEqual([
      'conflicts.jsonl',
      'copied.jsonl',
      'deleted.jsonl',
      'failed.jsonl',
      'report.json',
      'skipped.jsonl',
      'updated.jsonl',
    ]);
    // Nobody makes a folder there, and Node's own way to make several asks for ever.
    const refused = process.platform === 'linux' ? await sync('--report-dir', '/proc/x') : undefined;
    if (refused !== undefined) expect([refused.code, refused.stderr]).toEqual([2, 'stowage-mirror: --report-dir: "/proc/x" cannot be written (ENOENT)\n']);
    const inside = await sync('--report-dir', at('to/report'));
    expect([inside.code, inside.stderr]).toEqual([2, expect.stringContaining('which is mirrored; name a folder outside')]);
  });

  it('runs are listed and told', async () => {
    expect((await here(['runs'], state())).stdout).toBe('No runs yet.\n');
    plant(at('from'), { a: '1' });
    await sync();
    const { stdout } = await here(['runs'], state());
    const [, name] = /^([0-9a-f]{8}-1) {2}\S+Z {2}sync {2}1 copied, 0 deleted in \S+\n/.exec(stdout) ?? [];
    expect(stdout).toContain(`${at('from')} → ${at('to')}`);
    const told = await here(['show', name ?? ''], state());
    expect([told.code, told.stdout]).toEqual([0, expect.stringMatching(/copied +1 +1 B/)]);
    expect(eventsOf((await here(['runs', '--json'], state())).stdout)).toEqual([
      expect.objectContaining({ run: name, mode: 'sync', report: expect.objectContaining({ balanced: true }) as unknown }),
    ]);
    expect(await here(['show', 'none'], state())).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no run "none"') as string });
  });

  it('--metrics-port serves metrics while it runs, on the loopback', async () => {
    plantFiles(at('from'), 3000);
    const child = start(['sync', at('from'), at('to'), '-q', '--transfers', '1', '--metrics-port', '0'], { env: state() });
    const end = ended(child);
    const url = await new Promise<string>((resolve) => {
      child.stderr?.on('data', (text: Buffer) => {
        const found = /metrics at (http:\/\/127\.0\.0\.1:\d+\/metrics)/.exec(text.toString())?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const text = await (await fetch(url)).text();
    expect(text).toMatch(/^stowage_mirror_compared_keys \d+$/m);
    expect(text).toContain('# HELP stowage_mirror_copied_bytes');
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    expect((await end).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    rmSync(at('to'), { recursive: true });
  });
});
