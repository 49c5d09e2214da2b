/** The works of the client processes, the same for every store: what differs is the bucket that they are given. */
import { closeSync, createReadStream, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Bucket } from '@stowage/core';

const MIB = 1024 * 1024;
/** Objects on their way at once. */
const LANES = 16;

const WORKS: Readonly<Record<string, (bucket: Bucket, ...args: string[]) => Promise<number>>> = { stream, read, upload, download, list };

/** Does one piece of work, closes the bucket, and prints one line of JSON: what was done, and the highest resident size. */
export async function doWork(bucket: Bucket, work: string, ...rest: readonly string[]): Promise<void> {
  const run = WORKS[work];
  if (run === undefined) throw new Error(`expected one of ${Object.keys(WORKS).join(', ')}; got ${work}`);
  const done = await run(bucket, ...rest);
  await bucket.close();
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  console.log(JSON.stringify({ work, done, peakMiB: Math.round(peakKiB / 1024) }));
}

/** Standard input up, whose length nobody knows. */
async function stream(to: Bucket, key = 'stream'): Promise<number> {
  return (await to.put(key, process.stdin)).size;
}

/** One object down; what is read is thrown away. */
async function read(from: Bucket, key = 'stream'): Promise<number> {
  let got = 0;
  for await (const chunk of await from.get(key)) got += chunk.byteLength;
  return got;
}

/** All files under a folder up. Small ones are read at once, others are streamed. */
async function upload(to: Bucket, folder = '.', prefix = ''): Promise<number> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  await inLanes(files, async (file) => {
    const path = join(file.parentPath, file.name);
    const { size } = statSync(path);
    const key = prefix + path.slice(folder.length + 1);
    await to.put(key, size <= MIB ? readFileSync(path) : createReadStream(path, { highWaterMark: MIB }), { size });
  });
  return files.length;
}

/** All objects under a prefix down, each written under another name first, as one that a reader must not see in part. */
async function download(from: Bucket, prefix = '', folder = '.'): Promise<number> {
  let count = 0;
  const made = new Set<string>();
  for await (const page of from.listPages({ prefix })) {
    await inLanes(page.objects, async ({ key }) => {
      const path = join(folder, key.slice(prefix.length));
      const parent = dirname(path);
      if (!made.has(parent)) mkdirSync(parent, { recursive: true });
      made.add(parent);
      const partial = `${path}.partial`;
      const object = await from.get(key);
      if (object.range.end <= MIB) writeFileSync(partial, await object.bytes());
      else {
        const file = openSync(partial, 'w');
        for await (const chunk of object) writeSync(file, chunk);
        closeSync(file);
      }
      renameSync(partial, path);
      count++;
    });
  }
  return count;
}

async function list(of: Bucket, prefix = ''): Promise<number> {
  let count = 0;
  let bytes = 0;
  for await (const { objects } of of.listPages({ prefix }))
    for (const { size } of objects) {
      count++;
      bytes += size;
    }
  if (bytes < 0) throw new Error('a listing told a negative size');
  return count;
}

async function inLanes<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) await each(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane));
}
