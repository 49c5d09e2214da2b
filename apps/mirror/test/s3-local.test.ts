import { serverOrReason, startMinio } from '@stowage/test-servers';
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

describe('stowage-mirror local', () => {
  it('moves both folders into their buckets, compares, and says what to change', async (ctx) => {
    const { server } = started;
    if (server === undefined) return ctx.skip(started.missing);
    const tree = { 'images/original/x/yZ/1.jpg': 'one', 'files/a b.txt': 'two', empty: '' };
    plant(at('data/storage/move-public'), tree);
    plant(at('data/storage/move-private'), { secret: 'three' });
    const env = {
      STORAGE_PROVIDER: 'minio',
      STORAGE_ENDPOINT: server.endpoint,
      STORAGE_ACCESS_KEY: server.accessKeyId,
      STORAGE_SECRET_KEY: server.secretAccessKey,
    };
    // Without its buckets it changes nothing, and says so.
    const early = await local([], env);
    expect([early.code, early.stderr]).toEqual([4, expect.stringContaining('move-public')]);
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
    expect((await local(['--prefix', 'c'], remote)).stderr).toContain('has neither "c-public" nor "c-private"; there are "a", "b"');
    expect(await local([], { ...remote, DATA_PATH: at('nowhere') })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cannot be read (ENOENT)') as string,
    });
  });
});
