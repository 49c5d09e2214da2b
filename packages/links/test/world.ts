import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Catalog, openCatalog } from '@stowage/catalog';
import {
  type Bucket,
  type BucketDriver,
  createStorages,
  faultLayer,
  type Fault,
  type Layer,
  memoryDriver,
  openBucket,
  type Provider,
  type Storages,
} from '@stowage/core';
import { fs, fsDriver } from '@stowage/fs';
import { afterEach } from 'vitest';
import { type ImportReport, importLinks, type ImportOptions, type LineOutcome, type LinksSource, readFileName } from '../src/index.ts';

/** A catalog, a folder, memory buckets behind `s3://` and folders behind `fs://`, gone with the test. */
export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly catalog: Catalog;
  readonly storages: Storages;
  /** A bucket behind `s3://<name>`. */
  memory(name: string): Bucket;
  /** A bucket of the main storage. */
  main(name: string): Bucket;
}

export interface WorldOptions {
  readonly memoryBuckets?: readonly string[];
  readonly faults?: readonly Fault[];
  readonly layers?: readonly Layer[];
}

const worlds: World[] = [];
afterEach(async () => {
  for (const made of worlds.splice(0)) await made[Symbol.asyncDispose]();
});

export async function world({ memoryBuckets = ['cars'], faults = [], layers = [] }: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'stowage-links-test-'));
  mkdirSync(join(folder, 'pics'));
  mkdirSync(join(folder, 'data/storage/private'), { recursive: true });
  const drivers = new Map(memoryBuckets.map((name) => [name, memoryDriver({ bucket: name })]));
  const minio: Provider<null> = {
    name: 'minio',
    schemes: ['s3', 'minio'],
    parseConfig: () => null,
    open: (_config, bucket): BucketDriver => drivers.get(bucket) ?? memoryDriver({ bucket }),
  };
  const storages = createStorages({
    providers: [minio, fs],
    config: {
      entries: [
        { name: 'my-cars', provider: 'minio', buckets: memoryBuckets, settings: {}, source: 'remote_links.yml' },
        {
          name: 'pics',
          provider: 'fs',
          buckets: ['pics'],
          settings: { provider: 'fs', path: join(folder, 'pics'), storage_id: 'pics', durability: 'none' },
          source: 'remote_links.yml',
        },
      ],
      main: { provider: 'fs', settings: { durability: 'none' }, folder: join(folder, 'data/storage') },
    },
    layers: [faultLayer(faults), ...layers],
  });
  const catalog = await openCatalog(join(folder, 'catalog.sqlite'));
  const made: World = {
    folder,
    catalog,
    storages,
    memory: (name) => openBucket(drivers.get(name) as BucketDriver),
    main: (name) => openBucket(fsDriver({ root: join(folder, 'data/storage', name), bucket: name, durability: 'none' })),
    async [Symbol.asyncDispose]() {
      await storages.close();
      await catalog.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  worlds.push(made);
  return made;
}

/** Writes files below a folder. */
export function plant(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** A links file in memory. */
export function linksFile(name: string, content: string | Uint8Array, identity?: string): LinksSource {
  const { format, gzip, stem } = readFileName(name);
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from(content);
  }
  return { name, dataset: stem, format, gzip, open, ...(identity === undefined ? {} : { identity }) };
}

export interface Imported {
  readonly report: ImportReport;
  readonly outcomes: readonly LineOutcome[];
}

/** Imports into the project `P` and gives what every line came to. */
export async function importAll({ catalog, storages }: World, sources: readonly LinksSource[], o: Partial<ImportOptions> = {}): Promise<Imported> {
  const outcomes: LineOutcome[] = [];
  const report = await importLinks({
    catalog,
    storages,
    project: 'P',
    sources,
    now: () => performance.now(),
    observer: { outcomes: (some) => void outcomes.push(...some) },
    ...o,
  }).report;
  return { report, outcomes };
}

/** `line outcome name` or `line outcome reason: message`. */
export function told({ line, outcome, name, reason, message }: LineOutcome): string {
  return `${line} ${outcome} ${name ?? ''}${reason === undefined ? '' : ` ${reason}: ${message ?? ''}`}`.replace(/ {2,}/g, ' ');
}
