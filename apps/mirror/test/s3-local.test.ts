import { type S3Server, serverOrReason, startMinio } from '@stowage/test-servers';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../src/cli.ts';
import { plant, treeOf, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { contentsOf, makeBucket, sha256Of } from './plain-s3.ts';

const started = await serverOrReason(startMinio);
afterAll(() => started.server?.stop());
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function local(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Said> {
  const terminal = fakeTerminal(folder.path, (name) => import(name), { DATA_PATH: at('data'), XDG_STATE_HOME: at('state'), ...env });
  const code = await runCli(['local', ...args], terminal);
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
}

function environmentOf({ endpoint, accessKeyId, secretAccessKey }: S3Server): Readonly<Record<string, string>> {
  return { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: endpoint, STORAGE_ACCESS_KEY: accessKeyId, STORAGE_SECRET_KEY: secretAccessKey };
}

describe('stowage-mirror local', () => {
  it('moves both folders into their buckets, compares, and says what to change', async (ctx) => {
    const { server } = started;
    if (server === undefined) return ctx.skip(started.missing);
    const tree = { 'images/original/x/yZ/1.jpg': 'one', 'files/a b.txt': 'two', empty: '' };
    plant(at('data/storage/move-public'), tree);
    plant(at('data/storage/move-private'), { secret: 'three' });
    const env = environmentOf(server);
    // Without its buckets it changes nothing, and says so.
    const early = await local([], env);
    expect([early.code, early.stderr]).toEqual([
      4,
      'stowage-mirror: there is no bucket "s3://move-public", and none "s3://move-private"; make it, closed to the public, or run again with --create-buckets. Nothing was copied\n',
    ]);
    await makeBucket(server, 'move-public');
    await makeBucket(server, 'move-private');
    const planned = await local(['--dry-run'], env);
    expect([planned.code, Object.keys(await contentsOf(server, 'move-public'))]).toEqual([0, []]);
    expect(planned.stdout).not.toContain('STORAGE_PROVIDER');

    const moved = await local([], env);
    expect([moved.code, moved.stderr]).toEqual([0, '']);
    const hashes = Object.fromEntries(Object.entries(tree).map(([key, content]) => [key, sha256Of(content)]));
    expect(await contentsOf(server, 'move-public')).toEqual(hashes);
    expect(await contentsOf(server, 'move-private')).toEqual({ secret: sha256Of('three') });
    expect(treeOf(at('data/storage/move-public'))).toEqual(tree);
    expect(moved.stdout).toContain(
      [
        'Everything is there. What the application is to be told:',
        '  STORAGE_PROVIDER=minio',
        `  STORAGE_ENDPOINT=${server.endpoint}`,
        '  STORAGE_ACCESS_KEY=(as in your settings)',
        '  STORAGE_SECRET_KEY=(as in your settings)',
        '',
      ].join('\n'),
    );
    expect(moved.stdout).not.toContain(server.secretAccessKey);
    // Again: nothing is copied.
    expect((await local([], env)).stdout.match(/0 to copy: in sync already\./g)).toHaveLength(2);
  });

  it('makes the buckets where that is asked for, and only then; says of a dry run what it would make', async (ctx) => {
    const { server } = started;
    if (server === undefined) return ctx.skip(started.missing);
    plant(at('data/storage/made-public'), { a: '1' });
    plant(at('data/storage/made-private'), { b: '2' });
    await makeBucket(server, 'made-private');
    const env = environmentOf(server);
    const planned = await local(['--create-buckets', '--dry-run'], env);
    expect([planned.code, planned.stderr]).toEqual([0, '']);
    expect(planned.stdout).toContain('s3://made-public would be made, closed to the public\n');
    expect(planned.stdout).toMatch(/made-public → s3:\/\/made-public\nAll of it would be copied\.\n.*made-private → s3:\/\/made-private\n[^]*1 to copy/);
    expect((await local([], env)).stderr).toContain('there is no bucket "s3://made-public"; make it');

    const moved = await local(['--create-buckets'], env);
    expect([moved.code, moved.stderr]).toEqual([0, '']);
    expect(moved.stdout).toContain('s3://made-public was made, closed to the public\n');
    expect(moved.stdout).not.toContain('s3://made-private was made');
    expect(await contentsOf(server, 'made-public')).toEqual({ a: sha256Of('1') });
    expect(await contentsOf(server, 'made-private')).toEqual({ b: sha256Of('2') });
    expect((await fetch(`${server.endpoint}/made-public?list-type=2`)).status).toBe(403);
    expect((await local(['--create-buckets'], env)).stdout).not.toContain('was made');

    plant(at('data/storage/Not_Taken-public'), { a: '1' });
    plant(at('data/storage/Not_Taken-private'), { b: '2' });
    const refused = await local(['--create-buckets', '--prefix', 'Not_Taken'], env);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/"s3:\/\/Not_Taken-public": .*does not take the bucket name "Not_Taken-public"/)]);
  });

  it('tells of what failed in one half, though the other is whole', async (ctx) => {
    const { server } = started;
    if (server === undefined) return ctx.skip(started.missing);
    plant(at('data/storage/half-public'), { a: '1' });
    writeFileSync(Buffer.concat([Buffer.from(`${at('data/storage/half-public')}/x`), Buffer.from([0xff])]), 'no UTF-8');
    plant(at('data/storage/half-private'), { b: '2' });
    const moved = await local(['--create-buckets'], environmentOf(server));
    expect(moved.code).toBe(1);
    expect(moved.stdout).not.toContain('Everything is there');
    expect(await contentsOf(server, 'half-private')).toEqual({ b: sha256Of('2') });
  });

  it('is refused where there is nowhere to move to, nothing to move, or a choice', async () => {
    const remote = { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: 'http://127.0.0.1:1', STORAGE_ACCESS_KEY: 'a', STORAGE_SECRET_KEY: 'b' };
    plant(at('data/storage/a-public'), { x: '1' });
    const disk = await local([], {});
    expect([disk.code, disk.stderr]).toEqual([2, expect.stringContaining('the main storage is the local disk')]);
    const half = await local([], remote);
    expect([half.code, half.stderr]).toEqual([3, expect.stringContaining('has no folder "a-private"')]);
    plant(at('data/storage/b-private'), { x: '1' });
    const several = await local([], remote);
    expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('has the folders of 2 applications ("a", "b"); name one with --prefix')]);
    const told = await local(['--json'], remote);
    expect(JSON.parse(told.stdout)).toMatchObject({ event: 'error', exitCode: 2, message: expect.stringContaining('2 applications') as string });
    expect((await local(['--prefix', 'c'], remote)).stderr).toContain('has neither "c-public" nor "c-private"; there are "a", "b"');
    expect(await local([], { ...remote, DATA_PATH: at('nowhere') })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cannot be read (ENOENT)') as string,
    });
  });
});
