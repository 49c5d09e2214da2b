import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, expect, it } from 'vitest';
import { COMPILE_CACHE, ended, type Ended, eventsOf, NODE_ARGUMENTS, plantFiles, treeOf, useFolder } from './command.ts';
import { contentsOf, makeBucket, putObject, sha256Of } from './plain-s3.ts';

const started = await serverOrReason(startMinio);
afterAll(() => started.server?.stop(), 60_000);
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** The command in a process that may have so many files and sockets open. */
function runWith(handles: number, args: readonly string[]): Promise<Ended> {
  const limited = ['-c', `ulimit -n ${handles} && exec "$@"`, 'sh', process.execPath, ...NODE_ARGUMENTS, ...args, '--no-progress'];
  return ended(spawn('sh', limited, { cwd: folder.path, env: { PATH: process.env['PATH'], TMPDIR: tmpdir(), NODE_COMPILE_CACHE: COMPILE_CACHE } }));
}

it(
  'a process without handles for more files tells what it could not copy and deletes nothing; with fewer transfers it has enough',
  { timeout: 60_000 },
  async (context) => {
    const { server } = started;
    if (server === undefined) return context.skip(started.missing);
    await makeBucket(server, 'handles');
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const entry = [
      'provider: minio',
      'store: minio',
      `endpoint: ${endpoint}`,
      `access_key: ${accessKeyId}`,
      `secret_key: ${secretAccessKey}`,
      'buckets: [handles]',
    ];
    writeFileSync(at('remote_links.yml'), `store:\n${entry.map((line) => `  ${line}\n`).join('')}`);
    plantFiles(at('from'), 400);
    await putObject(server, 'handles', 'zz-extra', 'kept');
    const wanted = Object.fromEntries(Object.entries(treeOf(at('from')) ?? {}).map(([key, content]) => [key, sha256Of(content)]));

    const first = await runWith(40, ['sync', 'from', 's3://handles', '--delete', '--json', '--retries', '0', '--transfers', '64']);
    expect([1, 5]).toContain(first.code);
    expect(first.stdout + first.stderr).toMatch(/EMFILE|too many open files/);
    const { 'zz-extra': extra, ...copied } = await contentsOf(server, 'handles');
    expect(extra).toBe(sha256Of('kept'));
    expect(wanted).toMatchObject(copied);
    const last = eventsOf(first.stdout).at(-1) as { counts: Record<string, { objects: number }> };
    expect(Object.keys(copied)).toHaveLength(last.counts['copied']?.objects ?? -1);

    const second = await runWith(40, ['sync', 'from', 's3://handles', '--delete', '--transfers', '2']);
    expect([second.code, second.stderr]).toEqual([0, '']);
    expect(await contentsOf(server, 'handles')).toEqual(wanted);
  },
);
