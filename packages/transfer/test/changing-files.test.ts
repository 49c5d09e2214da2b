import { type Bucket, delegate, type Layer, openBucket } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apart, bucketOf, byKey, ran, treeOf } from './trees.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-changing-test-'));
  mkdirSync(join(folder, 'from'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SIZE = 3_000_000;
const path = (): string => join(folder, 'from/changing');
const OLD = 'o'.repeat(SIZE);

function writeInPlace(content: string, position: number): void {
  const file = openSync(path(), 'r+');
  writeSync(file, content, position);
  closeSync(file);
}

/** Does it once, when the first bytes of the file have been read. */
function inMidRead(act: () => void): Layer {
  let done = false;
  return (inner) =>
    delegate(inner, {
      async get(key, o) {
        const object = await inner.get(key, o);
        if (key !== 'changing') return object;
        async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
          for await (const chunk of object.body) {
            yield chunk;
            if (done) continue;
            done = true;
            act();
          }
        }
        return { ...object, body: body() };
      },
    });
}

/** Does it when both trees are listed, just before anything is read. */
function behindTheListing(act: () => void): Layer {
  return (inner) =>
    delegate(inner, {
      async *list(o) {
        yield* inner.list(o);
        act();
      },
    });
}

const sourceOf = (layer: Layer): Bucket => {
  writeFileSync(path(), OLD);
  writeFileSync(join(folder, 'from/other'), '2');
  return openBucket(fsDriver({ root: join(folder, 'from'), durability: 'none' }), { layers: [layer] });
};

describe.each([
  ['as one stream', {}],
  ['in parts', { partSize: 1_000_000, transfers: 1 }],
] as const)('a file that is read %s', (_, options) => {
  it.each<[string, () => void]>([
    ['grows', () => appendFileSync(path(), 'more')],
    ['shrinks', () => truncateSync(path(), 1_700_000)],
    ['is written in place, to the same size', () => writeInPlace('n'.repeat(1000), SIZE - 1000)],
    ['is written anew', () => writeFileSync(path(), 'n'.repeat(SIZE))],
  ])('and %s meanwhile fails alone, and leaves what was there', async (_what, change) => {
    const old = await bucketOf({ changing: 'before' });
    const source = sourceOf(inMidRead(change));
    const { outcomes } = await ran(source, old.with(apart), options);
    expect(byKey(outcomes)['other']).toBe('copied');
    expect(byKey(outcomes)['changing']).toMatch(/^failed:/);
    expect(await treeOf(old)).toEqual({ changing: 'before', other: '2' });
    // It is quiet now: the next run copies it as it is.
    const { report } = await ran(source, old.with(apart), options);
    expect(report.counts).toMatchObject({ updated: { objects: 1 }, same: { objects: 1 } });
    expect(await treeOf(old)).toEqual(await treeOf(source));
  });

  it('and vanishes meanwhile is copied as it was listed, or is gone: never a part of it', async () => {
    const to = await bucketOf({});
    const { outcomes } = await ran(sourceOf(inMidRead(() => unlinkSync(path()))), to.with(apart), options);
    const tree = await treeOf(to);
    expect(byKey(outcomes)).toEqual({ changing: 'changing' in tree ? 'copied' : 'skipped:vanished', other: 'copied' });
    expect(tree).toEqual({ ...('changing' in tree ? { changing: OLD } : {}), other: '2' });
  });

  it('and is gone before is no failure', async () => {
    const to = await bucketOf({});
    const { outcomes } = await ran(sourceOf(behindTheListing(() => unlinkSync(path()))), to.with(apart), options);
    expect(byKey(outcomes)).toEqual({ changing: 'skipped:vanished', other: 'copied' });
  });
});

it('a file that is written between listing and copying from disk to disk is left for the next run', async () => {
  mkdirSync(join(folder, 'to'));
  const to = openBucket(fsDriver({ root: join(folder, 'to'), durability: 'none' }));
  const { outcomes } = await ran(sourceOf(behindTheListing(() => appendFileSync(path(), 'more'))), to);
  expect(byKey(outcomes)).toEqual({ changing: 'failed:source-changed', other: 'copied' });
  expect(await treeOf(to)).toEqual({ other: '2' });
});
