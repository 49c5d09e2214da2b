import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ended, eventsOf, NODE_ARGUMENTS, plant, run, THEN, treeOf, useFolder } from './command.ts';
import { useMounts } from './mounts.ts';

const folder = useFolder();
const mounts = useMounts();
const at = (name: string): string => join(folder.path, name);
/** `outcome` or `outcome:reason` of each key. */
const outcomesOf = (stdout: string): Record<string, string> =>
  Object.fromEntries(
    (eventsOf(stdout) as { event: string; key: string; outcome: string; reason?: string }[])
      .filter(({ event }) => event === 'outcome')
      .map(({ key, outcome, reason }) => [key, reason === undefined ? outcome : `${outcome}:${reason}`]),
  );

describe('a disk that fills up', () => {
  it('ends the run, leaves whole files alone, deletes nothing, and is gone on with when there is room', async (context) => {
    const full = mounts.small(at('to'), '1m');
    if (full !== undefined) context.skip(full);
    plant(at('to'), { extra: 'kept' });
    plant(at('from'), Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${String(i).padStart(2, '0')}`, String(i % 10).repeat(60_000)])));
    const whole = treeOf(at('from')) ?? {};
    const first = await run(['sync', at('from'), at('to'), '--delete', '--json']);
    expect([first.code, eventsOf(first.stdout).at(-1)]).toEqual([
      5,
      expect.objectContaining({ balanced: true, stopped: expect.objectContaining({ by: 'store', side: 'destination' }) as unknown }),
    ]);
    expect(first.stderr).toMatch(/failed \(OutOfSpace\): .*\n.*\n.*What to do: free some space at the destination and run again: what was copied stays\./s);
    const { extra, ...copied } = treeOf(at('to')) ?? {};
    expect(extra).toBe('kept');
    expect(Object.keys(copied).length).toBeGreaterThan(5);
    expect(whole).toMatchObject(copied);

    expect((await run(['sync', at('from'), at('to'), '-q'])).code).toBe(1);
    expect(mounts.remount(at('to'), 'size=8m')).toBeUndefined();
    const second = await run(['sync', at('from'), at('to'), '--delete']);
    expect([second.code, treeOf(at('to'))]).toEqual([0, whole]);
    expect(second.stdout).toMatch(new RegExp(`same +${Object.keys(copied).length} `));
  });

  it('takes the space of a large file back that it has no room for', async (context) => {
    const full = mounts.small(at('to'), '2m');
    if (full !== undefined) context.skip(full);
    plant(at('from'), { large: 'x'.repeat(5_000_000) });
    expect((await run(['sync', at('from'), at('to'), '-q'])).code).toBe(1);
    expect(readdirSync(at('to'), { recursive: true })).toEqual([]);
  });
});

it('a limit on the size of files is met as a full disk is: nothing of the file stays', async () => {
  plant(at('from'), { 'a small': '1', large: 'x'.repeat(3_000_000) });
  const env = { PATH: process.env['PATH'], TMPDIR: tmpdir() };
  // In blocks of 512 bytes. Without the signal that comes with it, which would end the process.
  const limited = ['-c', `trap '' XFSZ && ulimit -f 2000 && exec "$@"`, 'sh', process.execPath, ...NODE_ARGUMENTS];
  const { code, stderr } = await ended(spawn('sh', [...limited, 'sync', at('from'), at('to'), '--transfers', '1'], { cwd: folder.path, env }));
  expect([code, stderr]).toEqual([1, expect.stringMatching(/1 failed \(OutOfSpace\): .*EFBIG.*\n {2}large\n/)]);
  expect(treeOf(at('to'))).toEqual({ 'a small': '1' });
});

it('a disk that is mounted for reading alone is told at once, and nothing is tried', async (context) => {
  const missing = mounts.small(at('to'), '1m');
  if (missing !== undefined) context.skip(missing);
  plant(at('to'), { old: '1' });
  expect(mounts.remount(at('to'), 'ro')).toBeUndefined();
  plant(at('from'), { a: '1' });
  for (const to of ['to', 'to/new']) {
    const { code, stderr, stdout } = await run(['sync', at('from'), at(to)]);
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toContain(`the destination ${JSON.stringify(at(to))} cannot be written`);
  }
  // What only looks at it goes on.
  expect((await run(['check', at('from'), at('to'), '-q'])).code).toBe(6);
  expect((await run(['plan', at('from'), at('to'), '-q'])).code).toBe(0);
  expect((await run(['sync', at('to'), at('elsewhere'), '-q'])).code).toBe(0);
});

describe('what is no file', () => {
  const special = async (root: string): Promise<() => void> => {
    plant(root, { a: '1', 'dir/b': '2' });
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
    return () => server.close();
  };

  it('at the source is told and passed over, and nothing waits for a writer', async () => {
    const close = await special(at('from'));
    const { code, stdout } = await run(['sync', at('from'), at('to'), '--delete', '--json', '--verbose']);
    close();
    expect(code).toBe(0);
    expect(outcomesOf(stdout)).toEqual({ a: 'copied', 'dir/b': 'copied', pipe: 'skipped:not-a-file', socket: 'skipped:not-a-file' });
    expect(treeOf(at('to'))).toEqual({ a: '1', 'dir/b': '2' });
  });

  it('at the destination is in the way of an object of its name, and is neither written to nor deleted', async () => {
    const close = await special(at('to'));
    plant(at('from'), { a: '1', pipe: 'p', socket: 's' });
    const { code, stdout } = await run(['sync', at('from'), at('to'), '--json', '--verbose']);
    close();
    expect(code).toBe(1);
    expect(outcomesOf(stdout)).toMatchObject({ pipe: 'conflict:not-an-object', socket: 'conflict:not-an-object' });
    expect(statSync(at('to/pipe')).isFIFO()).toBe(true);
  });

  it('loops of links end, dangling links and links that lead out are told, and nothing behind them is copied or deleted', async () => {
    plant(at('outside'), { secret: 's' });
    plant(at('from'), { a: '1', 'd/b': '2' });
    symlinkSync('loop', at('from/loop'));
    symlinkSync('pong', at('from/ping'));
    symlinkSync('ping', at('from/pong'));
    symlinkSync('..', at('from/d/up'));
    symlinkSync('d', at('from/folder'));
    symlinkSync('nowhere', at('from/dangling'));
    symlinkSync('../outside', at('from/out'));
    symlinkSync('../outside/secret', at('from/out-file'));
    plant(at('to'), { 'out/kept': 'k', 'folder/kept': 'k', dangling: 'k' });
    const { code, stdout } = await run(['sync', at('from'), at('to'), '--delete', '--json', '--verbose']);
    expect(code).toBe(0);
    const links = ['loop', 'ping', 'pong', 'd/up', 'folder', 'dangling', 'out', 'out-file'];
    const told = outcomesOf(stdout);
    for (const link of links) expect([link, told[link]]).toEqual([link, 'skipped:symlink']);
    expect(treeOf(at('to'))).toEqual({ a: '1', 'd/b': '2', 'out/kept': 'k', 'folder/kept': 'k', dangling: 'k' });
  });
});

it('names that are no UTF-8 are conflicts, each told, and bar deletions; the rest is copied', async () => {
  plant(at('from'), { a: '1', 'd/b': '2' });
  for (const name of [Buffer.from('caf\u{e9}', 'latin1'), Buffer.from([0x64, 0x2f, 0xff, 0xfe])])
    writeFileSync(Buffer.concat([Buffer.from(`${at('from')}/`), name]), 'x');
  plant(at('to'), { extra: 'kept' });
  const { code, stdout } = await run(['sync', at('from'), at('to'), '--json', '--verbose']);
  expect(code).toBe(1);
  expect(eventsOf(stdout).filter(({ outcome, reason }) => outcome === 'conflict' && reason === 'invalid-key')).toHaveLength(2);
  expect((await run(['sync', at('from'), at('to'), '--delete'])).code).toBe(5);
  expect(treeOf(at('to'))).toEqual({ a: '1', 'd/b': '2', extra: 'kept' });
});

describe('modification times', () => {
  it('before 1970 arrive, and are found the same again', async () => {
    plant(at('from'), { old: '1', older: '2', epoch: '3' });
    const times = { old: new Date('1969-12-31T23:59:59.250Z'), older: new Date('1935-01-01T00:00:00.500Z'), epoch: new Date(0) };
    for (const [name, time] of Object.entries(times)) utimesSync(at(`from/${name}`), time, time);
    expect((await run(['sync', at('from'), at('to'), '-q'])).code).toBe(0);
    for (const [name, time] of Object.entries(times)) expect([name, statSync(at(`to/${name}`)).mtime]).toEqual([name, time]);
    expect((await run(['sync', at('from'), at('to'), '--no-journal'])).stdout).toContain('0 to copy: in sync already.');
    writeFileSync(at('from/old'), '!');
    utimesSync(at('from/old'), times.older, times.older);
    expect((await run(['sync', at('from'), at('to'), '--no-journal'])).stdout).toMatch(/updated +1 /);
  });

  it('of a disk that keeps whole seconds are found the same again, in both directions, and later edits are seen', async (context) => {
    const missing = mounts.ofWholeSeconds(at('coarse'), at('image'));
    if (missing !== undefined) context.skip(missing);
    plant(at('from'), { a: '1', b: '22' });
    for (const [source, destination] of [
      [at('from'), at('coarse/to')],
      [at('coarse/to'), at('back')],
    ] as const) {
      mkdirSync(destination);
      expect((await run(['sync', source, destination, '-q', '--no-journal'])).code).toBe(0);
      expect((await run(['sync', source, destination, '--no-journal'])).stdout).toContain('0 to copy: in sync already.');
      expect((await run(['check', source, destination])).code).toBe(0);
    }
    expect(statSync(at('coarse/to/a')).mtimeMs % 1000).toBe(0);
    expect((await run(['check', at('from'), at('back')])).code).toBe(6);
    const env = { XDG_STATE_HOME: at('state') };
    const later = new Date(THEN.getTime() + 5000);
    writeFileSync(at('from/a'), '!');
    utimesSync(at('from/a'), later, later);
    expect((await run(['sync', at('from'), at('coarse/to')], { env })).stdout).toMatch(/updated +1 /);
    expect(readFileSync(at('coarse/to/a'), 'utf8')).toBe('!');
    // Within the second that the disk cannot tell, it is the journal that finds it.
    writeFileSync(at('from/b'), '??');
    utimesSync(at('from/b'), THEN, THEN);
    expect((await run(['sync', at('from'), at('coarse/to')], { env })).stdout).toMatch(/updated +1 /);
    expect(readFileSync(at('coarse/to/b'), 'utf8')).toBe('??');
  });
});
