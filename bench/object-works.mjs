/** The works of the client processes, the same for every store: what differs is the bucket that they are given. */
import { closeSync, createReadStream, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MIB = 1024 * 1024;
/** Objects on their way at once. */
const LANES = 16;

/** @type {Readonly<Record<string, (bucket: import('@stowage/core').Bucket, ...args: string[]) => Promise<number>>>} */
const WORKS = { stream, read, upload, download, list };

/**
 * Does one piece of work, closes the bucket, and prints one line of JSON: what was done, and the highest resident size.
 *
 * @param {import('@stowage/core').Bucket} bucket
 * @param {string} work
 * @param {...string} rest
 */
export async function doWork(bucket, work, ...rest) {
  const run = WORKS[work];
  if (run === undefined) throw new Error(`expected one of ${Object.keys(WORKS).join(', ')}; got ${work}`);
  const done = await run(bucket, ...rest);
  await bucket.close();
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  console.log(JSON.stringify({ work, done, peakMiB: Math.round(peakKiB / 1024) }));
}

/**
 * Standard input up, whose length nobody knows.
 *
 * @param {import('@stowage/core').Bucket} to
 * @param {string} [key]
 */
async function stream(to, key = 'stream') {
  return (await to.put(key, process.stdin)).size;
}

/**
 * One object down; what is read is thrown away.
 *
 * @param {import('@stowage/core').Bucket} from
 * @param {string} [key]
 */
async function read(from, key = 'stream') {
  let got = 0;
  for await (const chunk of await from.get(key)) got += chunk.byteLength;
  return got;
}

/**
 * All files under a folder up. Small ones are read at once, others are streamed.
 *
 * @param {import('@stowage/core').Bucket} to
 * @param {string} [folder]
 * @param {string} [prefix]
 */
async function upload(to, folder = '.', prefix = '') {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  await inLanes(files, async (file) => {
    const path = join(file.parentPath, file.name);
    const { size } = statSync(path);
    const key = prefix + path.slice(folder.length + 1);
    await to.put(key, size <= MIB ? readFileSync(path) : createReadStream(path, { highWaterMark: MIB }), { size });
  });
  return files.length;
}

/**
 * All objects under a prefix down, each written under another name first, as one that a reader must not see in part.
 *
 * @param {import('@stowage/core').Bucket} from
 * @param {string} [prefix]
 * @param {string} [folder]
 */
async function download(from, prefix = '', folder = '.') {
  let count = 0;
  /** @type {Set<string>} */
  const made = new Set();
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

/**
 * @param {import('@stowage/core').Bucket} of
 * @param {string} [prefix]
 */
async function list(of, prefix = '') {
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

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} each
 */
async function inLanes(items, each) {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await each(items[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane));
}
