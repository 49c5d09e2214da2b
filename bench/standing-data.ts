/**
 * What takes minutes to make and is the same in every run: source files, a drive of MinIO with two equal buckets, two equal trees. It
 * lies in a folder of its own, and is used again where it is there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBucket } from '@stowage/core';
import { minioDriver } from '@stowage/minio';
import { startMinio } from '@stowage/test-servers';
import { makeFiles, makeHollowFiles, makeLargeFile } from './made-files.ts';

/** Key folders of a bucket: `part-3/set-0123/entity-000456.json`, ten parts, so that a prefix has a tenth of all. */
const SETS_A_PART = 200;
const PARTS = 10;

/** Objects of such a bucket below `part-0/`. */
export function objectsOfFirstPart(count: number): number {
  return Math.min(count, perSet(count) * SETS_A_PART);
}

function perSet(count: number): number {
  return Math.ceil(count / (PARTS * SETS_A_PART));
}

export class StandingData {
  readonly #folder: string;
  readonly #memory: string;
  readonly #made: string[] = [];

  /** `memory` is a folder on a file system in memory: a million folders are made there in seconds, and read without a disk. */
  constructor(folder: string, memory: string) {
    this.#folder = folder;
    this.#memory = memory;
  }

  /** Removes what this process has made; what was there before stays. */
  removeMade(): void {
    for (const folder of this.#made) rmSync(folder, { recursive: true });
  }

  /** A folder of files of `size` bytes. */
  async files(count: number, size: number): Promise<string> {
    return await this.make(`files-${count}x${size}`, (folder) => makeFiles(folder, count, size));
  }

  /** A folder of files of so many MiB. */
  async largeFiles(count: number, mebibytes: number): Promise<string> {
    return await this.make(`files-${count}x${mebibytes}MiB`, (folder) => {
      for (let i = 0; i < count; i++) makeLargeFile(folder, mebibytes, `file-${i}.bin`);
    });
  }

  /** Two equal trees, `one` and `two`. */
  async trees(count: number): Promise<string> {
    return await this.make(`trees-${count}`, (folder) => {
      makeHollowFiles(join(folder, 'one'), count, 64);
      execFileSync('cp', ['-a', join(folder, 'one'), join(folder, 'two')]);
    });
  }

  /** A drive of MinIO with two equal buckets, `one` and `two`. */
  async drive(count: number): Promise<string> {
    return await this.make(`drive-${count}`, async (drive) => fillDrive(drive, count), this.#memory);
  }

  /** The folder of that name; made where it is not there yet. */
  async make(name: string, make: (folder: string) => unknown, inside: string = this.#folder): Promise<string> {
    const folder = join(inside, name);
    if (existsSync(folder)) return folder;
    const started = performance.now();
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    await make(partial);
    renameSync(partial, folder);
    this.#made.push(folder);
    console.error(`made ${folder} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    return folder;
  }
}

/**
 * Puts one small object by MinIO itself, and then writes its file under as many keys as are wanted: an object of MinIO is a folder with a
 * file `xl.meta`, which has content, ETag and time, and not the key. A million put one by one would take most of an hour. The files
 * of a set are links to one, and the second bucket is a link to the first: it takes half the inodes, and nothing is written there.
 */
async function fillDrive(drive: string, count: number): Promise<void> {
  const server = await startMinio({ drive, buckets: ['seed'] });
  const bucket = openBucket(minioDriver({ endpoint: server.endpoint, credentials: server, store: 'minio' }, 'seed'));
  await bucket.put('entity.json', JSON.stringify({ name: 'entity', labels: Array.from({ length: 16 }, (_, i) => ({ id: i, kind: 'box' })) }));
  await bucket.close();
  await server.stop();
  const meta = readFileSync(join(drive, 'seed/entity.json/xl.meta'));
  const inSet = perSet(count);
  let first = '';
  for (let i = 0; i < count; i++) {
    const set = Math.floor(i / inSet);
    const folder = join(drive, 'one', `part-${Math.floor(set / SETS_A_PART)}`, `set-${digits(set, 4)}`, `entity-${digits(i, 6)}.json`);
    mkdirSync(folder, { recursive: i % inSet === 0 });
    const path = join(folder, 'xl.meta');
    if (i % inSet === 0) writeFileSync((first = path), meta);
    else linkSync(first, path);
  }
  symlinkSync('one', join(drive, 'two'));
  rmSync(join(drive, 'seed'), { recursive: true });
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
