import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fsDriver, sweepTemporaries } from '../src/index.ts';
import { tryLock, unlock } from '../src/lock.ts';
import * as nodeFs from 'node:fs';
import { livenessOf, makerOf, thisProcess, uniqueMark } from '../src/process-identity.ts';
import { runChild } from './children/run-child.ts';
import { keysOf, pathsUnder, read, testFolder } from './folder.ts';

/** The mark of a process that has ended: this host's, with a number that was in use by another. */
async function deadMark(): Promise<string> {
  const child = runChild('claim.ts', testFolder(), 'x', '0');
  await child.ended;
  return uniqueMark().replace(/^([0-9a-f]+)-[0-9a-z]+-/, `$1-${child.pid.toString(36)}-`);
}

describe('several processes', () => {
  test('compare and swap: five processes of twenty increments each end at one hundred', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('counter', Buffer.from('000000'), {});
    await Promise.all(Array.from({ length: 5 }, () => runChild('increment.ts', root, 'counter', '20').ended));
    expect(await read(driver, 'counter')).toBe('000100');
    expect(readdirSync(`${root}/.stowage/locks`)).toEqual([]);
  });

  test('compare and swap within one process: writers of one size at once', async () => {
    const root = testFolder();
    const driver = fsDriver({ root, durability: 'none' });
    await driver.put('counter', Buffer.from('0000'), {});
    const work = async (): Promise<void> => {
      for (let done = 0; done < 50;) {
        const text = await read(driver, 'counter');
        const { revision } = await driver.head('counter', {});
        if ((await read(driver, 'counter')) !== text) continue;
        const wrote = await driver.put('counter', Buffer.from(String(Number(text) + 1).padStart(4, '0')), { if: revision }).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'PreconditionFailed' });
            return false;
          },
        );
        if (wrote) done++;
      }
    };
    await Promise.all([work(), work(), work(), work()]);
    expect(await read(driver, 'counter')).toBe('0200');
  });

  test('create only: each object is made by one of four processes', async () => {
    const root = testFolder();
    const got = await Promise.all(['a', 'b', 'c', 'd'].map((name) => runChild('claim.ts', root, name, '60').ended));
    expect(got.reduce((sum, count) => sum + Number(count), 0)).toBe(60);
    const owners = new Map<string, number>();
    for (let i = 0; i < 60; i++) {
      const owner = readFileSync(`${root}/claims/${i}`, 'utf8');
      owners.set(owner, (owners.get(owner) ?? 0) + 1);
    }
    expect(['a', 'b', 'c', 'd'].map((name) => owners.get(name) ?? 0)).toEqual(got.map(Number));
  });

  test('killed at twelve moments: no torn file, and no temporary after the next listing', { timeout: 120_000 }, async () => {
    const root = testFolder();
    let temporaries = 0;
    for (let turn = 0; turn < 12; turn++) {
      const child = runChild('scribble.ts', root, String(turn));
      await child.started;
      await new Promise((resolve) => setTimeout(resolve, (turn * 37) % 120));
      await child.kill();
      temporaries += pathsUnder(root).filter((path) => path.endsWith('.tmp')).length;
      const driver = fsDriver({ root });
      const keys = await keysOf(driver);
      expect(keys.length).toBeGreaterThan(3);
      expect(pathsUnder(root).filter((path) => path.endsWith('.tmp') || (path.startsWith('.stowage/locks/') && path !== '.stowage/locks/'))).toEqual([]);
      for (const key of keys) {
        const text = await read(driver, key);
        const letter = text.charAt(0);
        expect(text.length, key).toBeGreaterThanOrEqual(10);
        if (text.length > 10) expect(text === `${letter}${String(text.length).padStart(9, '0')}`.padEnd(text.length, letter), `${key} is whole`).toBe(true);
        await driver.head(key, {});
      }
      // What was left unfinished can be completed or aborted.
      for await (const ref of driver.listUploads({})) await (await driver.resumeUpload(ref, {})).abort();
      await driver.close();
    }
    // The moments were such that there was something to sweep.
    expect(temporaries).toBeGreaterThan(0);
  });

  test('temporaries: those of the dead go, those of the living, of strangers and of users stay', async () => {
    const root = testFolder();
    const dead = await deadMark();
    const otherHost = dead.replace(/^[0-9a-f]{12}/, '0123456789ab');
    mkdirSync(`${root}/a`);
    mkdirSync(`${root}/.stowage/tmp`, { recursive: true });
    const make = (path: string, ageDays = 0): void => {
      writeFileSync(`${root}/${path}`, '');
      const then = new Date(Date.now() - ageDays * 24 * 3600 * 1000);
      utimesSync(`${root}/${path}`, then, then);
    };
    make(`a/.stowage-${dead}.tmp`);
    make(`.stowage/tmp/.stowage-${dead}.tmp`);
    make(`a/.stowage-${uniqueMark()}.tmp`);
    make(`a/.stowage-${otherHost}.tmp`);
    make('a/.stowage-backup.tmp');
    make('a/mine.tmp');
    const keep = pathsUnder(root).filter((path) => !path.includes(dead));
    const reading = fsDriver({ root, sweep: false });
    const before = pathsUnder(root);
    expect(await keysOf(reading)).toEqual(['a/.stowage-backup.tmp', 'a/mine.tmp']);
    expect(pathsUnder(root)).toEqual(before);
    expect(await keysOf(fsDriver({ root }))).toEqual(['a/.stowage-backup.tmp', 'a/mine.tmp']);
    expect(pathsUnder(root)).toEqual(keep);
    make(`a/.stowage-${dead}.tmp`);
    expect(sweepTemporaries(root)).toBe(1);
    expect(pathsUnder(root)).toEqual(keep);
  });

  test('the lock of a dead process is broken, of a living one it is waited for', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const { revision } = await driver.put('key', Buffer.from('1'), {});
    const lock = tryLock(nodeFs, root, 'key');
    if (lock === undefined) throw new Error('expected the lock to be free');
    expect(tryLock(nodeFs, root, 'key')).toBeUndefined();
    let written = false;
    const put = driver.put('key', Buffer.from('2'), { if: revision }).then(() => (written = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(written).toBe(false);
    unlock(nodeFs, lock);
    await put;
    // A dead one's, and a dead one's right to break it.
    const [dead, deadToo] = [await deadMark(), await deadMark()];
    symlinkSync(dead, lock.path);
    symlinkSync(deadToo, `${lock.path}.${dead}`);
    await driver.put('key', Buffer.from('3'), {});
    expect(await read(driver, 'key')).toBe('3');
    expect(readdirSync(`${root}/.stowage/locks`)).toEqual([]);
  });

  test('a dead process lock that many find at once is taken over by one at a time', async () => {
    const root = testFolder();
    await fsDriver({ root }).put('counter', Buffer.from('000000'), {});
    const held = tryLock(nodeFs, root, 'counter');
    if (held === undefined) throw new Error('expected the lock to be free');
    unlock(nodeFs, held);
    symlinkSync(await deadMark(), held.path);
    await Promise.all(Array.from({ length: 5 }, () => runChild('increment.ts', root, 'counter', '6').ended));
    expect(readFileSync(`${root}/counter`, 'utf8')).toBe('000030');
  });

  test("a lock of another host holds for its lease, an abort ends the wait, and a stranger's release touches nothing", async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('key', Buffer.from('1'), {});
    const held = tryLock(nodeFs, root, 'key');
    if (held === undefined) throw new Error('expected the lock to be free');
    unlock(nodeFs, held);
    const foreign = uniqueMark().replace(/^[0-9a-f]{12}/, '0123456789ab');
    symlinkSync(foreign, held.path);
    const reason = new Error('enough');
    const controller = new AbortController();
    const put = driver.put('key', Buffer.from('2'), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(put).rejects.toBe(reason);
    unlock(nodeFs, held);
    expect(lstatSync(held.path).isSymbolicLink()).toBe(true);
    const old = new Date(Date.now() - 3600_000);
    nodeFs.lutimesSync(held.path, old, old);
    await driver.put('key', Buffer.from('3'), {});
    expect(pathsUnder(root)).toEqual(['.stowage/', '.stowage/locks/', 'key']);
  });

  test('processes are told apart by host, number and start', async () => {
    const me = thisProcess();
    expect(livenessOf(me)).toBe('alive');
    expect(livenessOf({ ...me, start: me.start + 1 })).toBe('dead');
    expect(livenessOf({ ...me, host: '0123456789ab' })).toBe('unknown');
    const dead = makerOf(await deadMark());
    if (dead === undefined) throw new Error('expected the mark to be read');
    expect(livenessOf(dead)).toBe('dead');
    expect(livenessOf({ ...me, pid: process.ppid })).toBe('dead'); // It lives, and started at another time.
    expect(makerOf('no mark')).toBeUndefined();
  });
});
