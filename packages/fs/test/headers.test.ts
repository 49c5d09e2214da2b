import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as nodeFs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fsDriver } from '../src/index.ts';
import { faultyFs } from './faulty-fs.ts';
import { pathsUnder, testFolder } from './folder.ts';
import { memoryFs } from './memory-fs.ts';

const sidecars = (root: string): string[] => pathsUnder(root).filter((path) => path.endsWith('.json'));

describe('headers', () => {
  test('are kept beside the tree, one file an object that has any, and go with it', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const headers = {
      contentType: 'text/plain; charset=utf-8',
      cacheControl: 'no-store',
      metadata: { 'with-space': ' a  b ', unicode: 'ü\u{1f600}' },
      tags: { k: 'v' },
    };
    await driver.put('a', Buffer.from('1'), headers);
    await driver.put('a', Buffer.from('2'), { ...headers, contentType: 'text/b' });
    expect((await driver.head('a', {})).headers).toEqual({ ...headers, contentType: 'text/b' });
    expect(sidecars(root)).toHaveLength(1);
    await driver.put('a', Buffer.from('3'), {});
    expect((await driver.head('a', {})).headers).toEqual({});
    expect(sidecars(root)).toEqual([]);
    await driver.put('a', Buffer.from('4'), headers);
    await driver.deleteMany([{ key: 'a' }], {});
    expect(sidecars(root)).toEqual([]);
  });

  test('a content type that says nothing takes no file of its own, but beside others it is kept', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    for (const contentType of ['application/octet-stream', 'binary/octet-stream']) await driver.put('a', Buffer.from('1'), { contentType });
    expect(sidecars(root)).toEqual([]);
    const headers = { contentType: 'application/octet-stream', cacheControl: 'no-store' };
    await driver.put('a', Buffer.from('2'), headers);
    expect((await driver.head('a', {})).headers).toEqual(headers);
  });

  test('of a file that another program writes are gone; copies of the whole root keep them', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('kept', Buffer.from('1'), { contentType: 'a/kept' });
    await driver.put('changed', Buffer.from('1'), { contentType: 'a/changed' });
    appendFileSync(`${root}/changed`, '2');
    expect((await driver.head('changed', {})).headers).toEqual({});
    const copy = testFolder();
    execFileSync('cp', ['-a', `${root}/.`, copy]);
    expect((await fsDriver({ root: copy }).head('kept', {})).headers).toEqual({ contentType: 'a/kept' });
  });

  test('count from the moment that the content has its name, not before', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('a', Buffer.from('1'), { contentType: 'a/old', lastModified: new Date(1e12) });
    const seen: unknown[] = [];
    const fs = faultyFs(nodeFs, ({ name, args }) => {
      if (name === 'renameSync' && args[1] === `${root}/a`)
        seen.push(readdirSync(`${root}/.stowage/meta`, { recursive: true }).filter((path) => String(path).endsWith('.json')).length);
      return undefined;
    });
    // The hardest case: the very time and size of the content that it replaces.
    await fsDriver({ root, fs }).put('a', Buffer.from('2'), { contentType: 'a/new', lastModified: new Date(1e12) });
    expect(seen).toEqual([1]);
    const info = await driver.head('a', {});
    expect([info.headers, info.lastModified]).toEqual([{ contentType: 'a/new' }, new Date(1e12)]);
    expect(sidecars(root)).toHaveLength(1);
  });

  test('of one time and size, on a disk of coarse times, are replaced all the same', async () => {
    const driver = fsDriver({ root: '/root', fs: memoryFs() });
    const lastModified = new Date(1e12);
    for (const contentType of ['a/1', 'a/2', 'a/3']) {
      await driver.put('a', Buffer.from('1'), { contentType, lastModified });
      expect((await driver.head('a', {})).headers).toEqual({ contentType });
    }
  });

  test('are set anew without touching content or time, and change the revision', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const before = await driver.put('a', Buffer.from('1'), { contentType: 'a/1' });
    const after = await driver.setHeaders('a', { contentType: 'a/2' }, { if: before.revision });
    expect(after).toEqual(await driver.head('a', {}));
    expect([after.lastModified, after.headers]).toEqual([before.lastModified, { contentType: 'a/2' }]);
    expect(after.revision).not.toEqual(before.revision);
    await expect(driver.setHeaders('a', { contentType: 'a/3' }, { if: before.revision })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    await expect(driver.setHeaders('missing', {}, {})).rejects.toMatchObject({ code: 'NotFound' });
    expect((await driver.setHeaders('a', {}, {})).headers).toEqual({});
    expect(pathsUnder(root).filter((path) => /json|tmp$/.test(path))).toEqual([]);
  });

  test('that are damaged are told, with what to do, and never guessed', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('a', Buffer.from('1'), { contentType: 'a/1' });
    const [path = ''] = sidecars(root);
    expect(JSON.parse(readFileSync(`${root}/${path}`, 'utf8'))).toEqual({ key: 'a', headers: { contentType: 'a/1' } });
    for (const text of ['', '{', '[]', '{"key":1}', '{"key":"a","headers":null}']) {
      writeFileSync(`${root}/${path}`, text);
      await expect(driver.head('a', {}), text).rejects.toThrow(path);
    }
  });

  test('a tree without any costs one call more, and no folder', async () => {
    const root = testFolder();
    writeFileSync(`${root}/a`, '1');
    const calls: string[] = [];
    const fs = faultyFs(nodeFs, ({ name }) => {
      calls.push(name);
      return undefined;
    });
    const driver = fsDriver({ root, fs });
    await driver.head('a', {});
    calls.length = 0;
    await driver.head('a', {});
    expect(calls.filter((name) => name !== 'lstatSync')).toEqual([]);
    expect(calls.length).toBeLessThanOrEqual(3);
    expect(readdirSync(root)).toEqual(['a']);
  });
});
