/** The works of `mirror.ts`: what each starts from, what its tools are told to do, and how it is seen that they did it. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBucket } from '@stowage/core';
import { minioDriver } from '@stowage/minio';
import { type S3Server, startMinio } from '@stowage/test-servers';
import type { Entrant } from './contest.ts';
import { startLatencyProxy } from './latency.ts';
import { time } from './paired.ts';
import type { Peer } from './peers.ts';
import { pinned } from './pinned.ts';
import { type Kind, type S3Tool, s3Tools } from './s3-peers.ts';
import { objectsOfFirstPart, type StandingData } from './standing-data.ts';

export interface Bench {
  readonly standing: StandingData;
  readonly peers: readonly Peer[];
  readonly scale: number;
  /** An empty folder of this work alone. */
  readonly scratch: string;
}

/** The tools at one work, with the servers that they need. Disposing ends the servers. */
export interface Field extends AsyncDisposable {
  readonly entrants: readonly Entrant[];
  readonly remark?: string;
}

export interface Work {
  title(scale: number): string;
  /** Makes what takes long and is the same in every run. */
  prepare(bench: Bench): Promise<unknown>;
  field(bench: Bench): Promise<Field>;
}

/**
 * Virtual machines give memory that was freed back to their host, and getting it again costs 1 to 2 s of CPU a GiB: who begins right
 * behind a run whose files were removed finds some of it still there, and the quicker it is, the more. After this there is none.
 */
const SETTLE_SECONDS = 12;
const LATENCY_MS = 30;
const FAR = `with ${LATENCY_MS} ms of latency`;

const counted = (count: number, scale: number): number => Math.max(10, Math.round(count * scale));
const numeral = (count: number): string => count.toLocaleString('en-US');

/** What a copy starts from: a folder, and a drive of MinIO that has its files under `s3://bench/source`. */
interface Source {
  readonly title: (scale: number) => string;
  readonly folder: (bench: Bench) => Promise<string>;
}

const SMALL: Source = {
  title: (scale) => `${numeral(counted(20_000, scale))} × 4 KiB`,
  folder: async ({ standing, scale }) => await standing.files(counted(20_000, scale), 4096),
};
const MEDIUM: Source = {
  title: (scale) => `${numeral(counted(1000, scale))} × 1 MiB`,
  folder: async ({ standing, scale }) => await standing.files(counted(1000, scale), 1024 * 1024),
};
const LARGE: Source = {
  title: (scale) => (scale === 1 ? '8 × 1 GiB' : `8 × ${counted(1024, scale)} MiB`),
  folder: async ({ standing, scale }) => await standing.largeFiles(8, counted(1024, scale)),
};
const TINY: Source = {
  title: (scale) => `${numeral(counted(100_000, scale))} × 1 KiB`,
  folder: async ({ standing, scale }) => await standing.files(counted(100_000, scale), 1024),
};

const objects = (scale: number): number => counted(1_000_000, scale);
const trees = (scale: number): number => counted(1_000_000, scale);

export const WORKS: Readonly<Record<string, Work>> = {
  'small-up': { title: (scale) => `${SMALL.title(scale)} up`, prepare: SMALL.folder, field: async (bench) => await up(bench, SMALL, 'small') },
  'small-down': { title: (scale) => `${SMALL.title(scale)} down`, prepare: uploaded(SMALL), field: async (bench) => await down(bench, SMALL, 'small') },
  'medium-up': { title: (scale) => `${MEDIUM.title(scale)} up`, prepare: MEDIUM.folder, field: async (bench) => await up(bench, MEDIUM, 'small') },
  'medium-down': { title: (scale) => `${MEDIUM.title(scale)} down`, prepare: uploaded(MEDIUM), field: async (bench) => await down(bench, MEDIUM, 'small') },
  'large-up': { title: (scale) => `${LARGE.title(scale)} up`, prepare: LARGE.folder, field: async (bench) => await up(bench, LARGE, 'large') },
  'large-down': { title: (scale) => `${LARGE.title(scale)} down`, prepare: uploaded(LARGE), field: async (bench) => await down(bench, LARGE, 'large') },
  objects: {
    title: (scale) => `nothing to do, ${numeral(objects(scale))} objects, bucket to bucket`,
    prepare: async ({ standing, scale }) => await standing.drive(objects(scale)),
    field: async (bench) => await sameObjects(bench, '', 'same'),
  },
  files: {
    title: (scale) => `nothing to do, ${numeral(trees(scale))} files, folder to folder`,
    prepare: async ({ standing, scale }) => await standing.trees(trees(scale)),
    field: sameTrees,
  },
  'far-up': { title: (scale) => `${TINY.title(scale)} up, ${FAR}`, prepare: TINY.folder, field: async (bench) => await up(bench, TINY, 'far') },
  'far-down': {
    title: (scale) => `${numeral(objectsOfFirstPart(objects(scale)))} small objects down, ${FAR}`,
    prepare: async ({ standing, scale }) => await standing.drive(objects(scale)),
    field: farDown,
  },
  'far-same': {
    title: (scale) => `nothing to do, ${numeral(objectsOfFirstPart(objects(scale)))} objects, bucket to bucket, ${FAR}`,
    prepare: async ({ standing, scale }) => await standing.drive(objects(scale)),
    field: async (bench) => await sameObjects(bench, '/part-0', 'far-same'),
  },
};

/** Every run has a prefix of its own: nothing is there before. */
async function up(bench: Bench, source: Source, kind: Kind): Promise<Field> {
  const folder = await source.folder(bench);
  warm(folder, true);
  const drive = join(bench.scratch, 'drive');
  const { server, tools, ...rest } = await servers(bench, drive, kind);
  const expected = sumOfFolder(folder);
  return {
    ...rest,
    entrants: tools.filter(isDefault).map((tool) => {
      const prefix = (round: number): string => fresh(tool, round);
      return {
        ...named(tool),
        ...settled(kind),
        command: (round) => tool.sync(folder, `s3://bench/${prefix(round)}`, kind),
        async after(round) {
          expectSame(await sumOfPrefix(server, 'bench', `${prefix(round)}/`), expected);
          if (kind === 'large') rmSync(join(drive, 'bench', prefix(round)), { recursive: true });
        },
      };
    }),
  };
}

async function down(bench: Bench, source: Source, kind: Kind): Promise<Field> {
  const expected = sumOfFolder(await source.folder(bench));
  const drive = await uploaded(source)(bench);
  warm(drive, true);
  return await downFrom(bench, drive, 's3://bench/source', expected, kind);
}

async function farDown(bench: Bench): Promise<Field> {
  const count = objects(bench.scale);
  const drive = await bench.standing.drive(count);
  const server = await startMinio({ drive });
  const expected = await sumOfPrefix(server, 'one', 'part-0/');
  await server.stop();
  return await downFrom(bench, drive, 's3://one/part-0', expected, 'far');
}

/** Every run has a folder of its own; large files are removed after each, small ones at the end of all. */
async function downFrom(bench: Bench, drive: string, from: string, expected: Sum, kind: Kind): Promise<Field> {
  const { server: _, tools, ...rest } = await servers(bench, drive, kind);
  return {
    ...rest,
    entrants: tools.map((tool) => {
      const to = (round: number): string => join(bench.scratch, 'down', fresh(tool, round));
      return {
        ...named(tool),
        ...settled(kind),
        before: (round) => mkdirSync(to(round), { recursive: true }),
        command: (round) => tool.sync(from, to(round), kind),
        after(round) {
          expectSame(sumOfFolder(to(round)), expected);
          if (kind === 'large') rmSync(to(round), { recursive: true });
        },
      };
    }),
  };
}

async function sameObjects(bench: Bench, below: string, kind: Kind): Promise<Field> {
  const drive = await bench.standing.drive(objects(bench.scale));
  const { server: _, tools, ...rest } = await servers(bench, drive, kind);
  return {
    ...rest,
    entrants: tools
      .filter((tool) => isDefault(tool) && tool.copiesOnly !== true)
      .map((tool) => ({
        ...named(tool),
        command: () => tool.sync(`s3://one${below}`, `s3://two${below}`, kind),
        ...untouched(bench, join(drive, `two${below}`)),
      })),
  };
}

async function sameTrees(bench: Bench): Promise<Field> {
  const folder = await bench.standing.trees(trees(bench.scale));
  warm(folder, false);
  // No server is asked: any endpoint will do.
  const tools = s3Tools(
    { endpoint: 'http://127.0.0.1:9', accessKeyId: '', secretAccessKey: '', region: '' },
    join(bench.scratch, 'tools'),
    bench.peers.filter(({ program }) => program === 'rclone'),
  );
  const [from, to] = [join(folder, 'one'), join(folder, 'two')];
  return {
    entrants: tools.filter(isDefault).map((tool) => ({ ...named(tool), command: () => tool.sync(from, to, 'same-trees'), ...untouched(bench, to) })),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Nothing was to do, so nothing may be younger than the run. */
function untouched({ scratch }: Bench, folder: string): Pick<Entrant, 'before' | 'after'> {
  const mark = join(scratch, 'mark');
  return {
    before: () => writeFileSync(mark, ''),
    after() {
      const younger = execFileSync('find', ['-H', folder, '-newer', mark, '-print', '-quit'], { encoding: 'utf8' }).trim();
      if (younger !== '') throw new Error(`nothing was to do, but it wrote ${younger}`);
    },
  };
}

function named({ name, peer }: S3Tool): Pick<Entrant, 'tool' | 'peer'> {
  return { tool: name, peer: peer !== undefined };
}

function settled(kind: Kind): Pick<Entrant, 'settleSeconds'> {
  return kind === 'large' ? { settleSeconds: SETTLE_SECONDS } : {};
}

/** A name that no other run has. */
function fresh({ name }: S3Tool, round: number): string {
  return `${name.replaceAll(/\W+/g, '-')}-${round}`;
}

/** `--no-fsync` is about folders that are written to. */
function isDefault({ name }: S3Tool): boolean {
  return !name.includes('--no-fsync');
}

/** MinIO on a drive, behind latency where the kind says so, and the tools that were told of it. */
async function servers(bench: Bench, drive: string, kind: Kind): Promise<{ server: S3Server; tools: readonly S3Tool[]; remark?: string } & AsyncDisposable> {
  const server = await startMinio({ drive, buckets: ['bench'] });
  pinned(server.pid, 0);
  const proxy = kind.startsWith('far') ? await startLatencyProxy(server.endpoint, LATENCY_MS) : undefined;
  const endpoint = proxy?.endpoint ?? server.endpoint;
  return {
    server,
    tools: s3Tools({ ...server, endpoint }, join(bench.scratch, 'tools'), bench.peers),
    ...(proxy === undefined ? {} : { remark: `Latency is added by a proxy on core 0 that holds each request back by ${LATENCY_MS} ms.` }),
    async [Symbol.asyncDispose]() {
      await proxy?.stop();
      await server.stop();
    },
  };
}

/** A drive that has the files of a source, put there by `stowage-mirror`. */
function uploaded(source: Source): (bench: Bench) => Promise<string> {
  return async (bench) => {
    const folder = await source.folder(bench);
    return await bench.standing.make(`uploaded-${folder.split('/').at(-1) ?? ''}`, async (drive) => {
      await using server = await startMinio({ drive, buckets: ['bench'] });
      const [tool] = s3Tools(server, join(bench.scratch, 'upload'), []);
      if (tool !== undefined) await time(tool.sync(folder, 's3://bench/source', 'small'));
      expectSame(await sumOfPrefix(server, 'bench', 'source/'), sumOfFolder(folder));
    });
  };
}

interface Sum {
  readonly count: number;
  readonly bytes: number;
}

function expectSame(got: Sum, expected: Sum): void {
  if (got.count !== expected.count || got.bytes !== expected.bytes)
    throw new Error(`expected ${expected.count} objects of ${expected.bytes} bytes, got ${got.count} of ${got.bytes}`);
}

function sumOfFolder(folder: string): Sum {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return { count: files.length, bytes: files.reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0) };
}

async function sumOfPrefix({ endpoint, accessKeyId, secretAccessKey }: S3Server, name: string, prefix: string): Promise<Sum> {
  const bucket = openBucket(minioDriver({ endpoint, credentials: { accessKeyId, secretAccessKey }, store: 'minio' }, name));
  let count = 0;
  let bytes = 0;
  for await (const { objects: page } of bucket.listPages({ prefix })) {
    count += page.length;
    for (const { size } of page) bytes += size;
  }
  await bucket.close();
  return { count, bytes };
}

/** Reads all folders and files, so that the first tool does not read them from the disk for the others. */
function warm(folder: string, contents: boolean): void {
  execFileSync('bash', ['-c', contents ? `find '${folder}' -type f -exec cat {} + > /dev/null` : `du -s '${folder}'`], { stdio: 'ignore' });
}
