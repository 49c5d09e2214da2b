/** The tools that are measured over S3, each as shell commands at its own best settings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Server } from '@stowage/test-servers';
import type { Peer } from './peers.ts';

/** What a sync is like: many small objects, few large ones, nothing to do between buckets or folders; and the same far away. */
export type Kind = 'small' | 'large' | 'same' | 'same-trees' | 'far' | 'far-same';

export interface S3Tool {
  readonly name: string;
  /** Absent of Stowage itself. */
  readonly peer?: Peer;
  /** It compares nothing, so it has no place where there is nothing to do. */
  readonly copiesOnly?: boolean;
  /** Makes a second place equal to a first. A place is a folder, or `s3://bucket/prefix` without a slash at its end. */
  sync(from: string, to: string, kind: Kind): string;
  /** All keys of a bucket, with their sizes, written to nowhere; absent where there is no such command. */
  readonly list?: (bucket: string) => string;
}

type Server = Pick<S3Server, 'endpoint' | 'accessKeyId' | 'secretAccessKey' | 'region'>;

/** The command itself. */
const STOWAGE = `${process.execPath} ${join(import.meta.dirname, '../apps/mirror/dist/main.js')}`;

/**
 * `stowage-mirror`, with `--no-fsync` once more, and the peers that were found. What they keep between runs lies in `folder`.
 *
 * rclone compares buckets by the checksums of their listings, as Stowage does: else it asks for each object's time by a request of its
 * own. There `--fast-list` takes it longer, and a gigabyte for a million objects. The more requests are far away, the more of them a tool is allowed at once, but for s5cmd, which has 256 by default, and mc,
 * which finds out.
 */
export function s3Tools(server: Server, folder: string, peers: readonly Peer[]): S3Tool[] {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'remote_links.yml');
  const { endpoint, accessKeyId, secretAccessKey, region } = server;
  writeFileSync(
    config,
    `bench: { provider: minio, store: minio, endpoint: "${endpoint}", region: ${region}, access_key: ${accessKeyId}, secret_key: ${secretAccessKey}, buckets: [bench, one, two] }\n`,
  );
  const stowage = (flags: string): ((from: string, to: string) => string) => {
    const place = (of: string): string => (isFolder(of) ? of : `${of}/`);
    return (from, to) =>
      `XDG_STATE_HOME=${join(folder, 'state')} ${pinnedClient(server)} ${STOWAGE} sync ${place(from)} ${place(to)} --config ${config} --quiet${flags}`;
  };
  return [
    { name: 'stowage-mirror', sync: stowage('') },
    { name: 'stowage-mirror --no-fsync', sync: stowage(' --no-fsync') },
    ...peers.flatMap((peer) => peerTools(server, folder, peer).map((tool) => ({ ...tool, peer }))),
  ];
}

/** The library without the command, for what the command does not do alone. */
export function libraryTool(server: Server): Pick<S3Tool, 'name' | 'list'> {
  const client = `${process.execPath} ${join(import.meta.dirname, 's3-client.mjs')} ${server.endpoint}`;
  return { name: 'the library alone', list: (bucket) => `${pinnedClient(server)} ${client} ${bucket} list` };
}

function isFolder(place: string): boolean {
  return !place.startsWith('s3://');
}

/** Keys by the environment, and one core. */
function pinnedClient({ accessKeyId, secretAccessKey, region }: Server): string {
  return `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} AWS_DEFAULT_REGION=${region} taskset -c 1`;
}

function peerTools(server: Server, folder: string, { program, path }: Peer): S3Tool[] {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const pinned = pinnedClient(server);
  switch (program) {
    case 'rclone': {
      const remote = (of: string): string =>
        isFolder(of) ? of : `":s3,provider=Minio,env_auth,no_check_bucket,endpoint='${endpoint}':${of.slice('s3://'.length)}"`;
      const flags: Readonly<Record<Kind, string>> = {
        small: '--transfers 32 --checkers 16 --fast-list',
        large: '--transfers 4 --s3-chunk-size 16M',
        same: '--checksum --checkers 16',
        'same-trees': '--checkers 8',
        far: '--transfers 128 --checkers 32 --fast-list',
        'far-same': '--checksum --checkers 64',
      };
      return [
        {
          name: 'rclone',
          sync: (from, to, kind) => `${pinned} ${path} sync ${remote(from)} ${remote(to)} ${flags[kind]} -q`,
          list: (bucket) => `${pinned} ${path} size ${remote(`s3://${bucket}`)} --fast-list`,
        },
      ];
    }
    case 's5cmd': {
      const run = `${pinned} ${path} --endpoint-url ${endpoint} --log error`;
      return [
        {
          name: 's5cmd',
          sync: (from, to) => `${run} sync "${from}/*" ${to}/`,
          list: (bucket) => `${pinned} ${path} --endpoint-url ${endpoint} ls "s3://${bucket}/*"`,
        },
        { name: 's5cmd cp', copiesOnly: true, sync: (from, to) => `${run} cp "${from}/*" ${to}/` },
      ];
    }
    case 'mc': {
      const run = `MC_HOST_bench=${endpoint.replace('://', `://${accessKeyId}:${secretAccessKey}@`)} MC_CONFIG_DIR=${join(folder, 'mc')} ${pinned} ${path}`;
      const place = (of: string): string => (isFolder(of) ? of : `bench/${of.slice('s3://'.length)}`);
      return [
        {
          name: 'mc',
          sync: (from, to) => `${run} mirror -q ${place(from)} ${place(to)}`,
          list: (bucket) => `${run} ls -r bench/${bucket}`,
        },
      ];
    }
    case 'aws': {
      const config = join(folder, 'aws-config');
      const run = (atOnce: number): string => {
        writeFileSync(`${config}-${atOnce}`, `[default]\ns3 =\n  max_concurrent_requests = ${atOnce}\n`);
        return `AWS_CONFIG_FILE=${config}-${atOnce} ${pinned} ${path} --endpoint-url ${endpoint}`;
      };
      return [
        {
          name: 'aws',
          sync: (from, to, kind) => `${run(kind.startsWith('far') ? 64 : 16)} s3 sync --only-show-errors ${from} ${to}`,
          list: (bucket) => `${run(16)} s3api list-objects-v2 --bucket ${bucket} --output text`,
        },
      ];
    }
  }
}
