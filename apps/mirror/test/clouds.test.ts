import { azure } from '@stowage/azure';
import { serverOrReason, startAzurite, startMinio, startStrictGcs } from '@stowage/test-servers';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Ended, eventsOf, plant, run, type Tree, treeOf, useFolder } from './command.ts';
import { contentsOf, makeBucket, sha256Of } from './plain-s3.ts';

const { server, missing } = await serverOrReason(async () => ({ azurite: await startAzurite(), gcs: await startStrictGcs(), minio: await startMinio() }));
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** What each of these stores can hold. */
const TREE: Tree = {
  a: '1',
  'a b+c%41.txt': '22',
  'd/e/f': 'x'.repeat(100_000),
  'd/e-f': '',
  'ü/😀?&#;': 'odd',
  'quote\'"<>|*': 'q',
};

if (server === undefined) test('mirrors between all kinds of stores', ({ skip }) => skip(missing));
else {
  const { azurite, gcs, minio } = server;
  afterAll(async () => {
    for (const each of [azurite, gcs, minio]) await each.stop();
  }, 60_000);
  const entries = (): string =>
    [
      'boats:',
      '  provider: azure',
      `  endpoint: ${azurite.endpoint}`,
      `  access_key: ${azurite.account.name}`,
      `  secret_key: ${azurite.account.key}`,
      '  buckets: [boats]',
      'planes:',
      '  provider: google',
      `  endpoint: ${gcs.endpoint}`,
      '  credentials_path: planes.json',
      `  token_endpoint: ${gcs.endpoint}/token`,
      '  buckets: [planes]',
      'cars:',
      '  provider: minio',
      '  store: minio',
      `  endpoint: ${minio.endpoint}`,
      `  access_key: ${minio.accessKeyId}`,
      `  secret_key: ${minio.secretAccessKey}`,
      '  buckets: [cars]',
      '',
    ].join('\n');
  const command = (...args: string[]): Promise<Ended> => {
    writeFileSync(at('remote_links.yml'), entries());
    writeFileSync(at('planes.json'), gcs.owner.credentials);
    return run(args, { cwd: folder.path });
  };

  beforeAll(async () => {
    await makeBucket(minio, 'cars');
    const body = JSON.stringify({ name: 'planes' });
    const answer = await fetch(`${gcs.endpoint}/storage/v1/b?project=test`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (!answer.ok) throw new Error(`no bucket: ${answer.status}`);
    const options = azure.parseConfig({
      provider: 'azure',
      endpoint: azurite.endpoint,
      access_key: azurite.account.name,
      secret_key: azurite.account.key,
      buckets: ['boats'],
    });
    const container = (await azure.open(options, 'boats').native()) as { create(): Promise<unknown> };
    await container.create();
  });

  describe('stowage-mirror', () => {
    it('carries a tree from a disk to Azure, Google, S3 and back, exactly', { timeout: 120_000 }, async () => {
      plant(at('from'), TREE);
      const ways = [
        ['from', 'azure://boats/in/'],
        ['azure://boats/in', 'google://planes/x'],
        ['gs://planes/x/', 's3://cars'],
        ['s3://cars', 'to'],
      ] as const;
      for (const [from, to] of ways) {
        const first = await command('sync', from, to, '--no-progress');
        expect(first.stderr.replace(/^stowage-mirror: .*(?:storage classes|not carried|access tier).*\n/gm, '')).toBe('');
        expect(first.code, `${from} ${to}`).toBe(0);
        expect((await command('sync', from, to, '--no-progress')).stdout).toContain('0 to copy: in sync already.');
        expect((await command('check', from, to, '--checksum', '--no-progress')).code).toBe(0);
      }
      expect(await contentsOf(minio, 'cars')).toEqual(Object.fromEntries(Object.entries(TREE).map(([key, content]) => [key, sha256Of(content)])));
      expect(Object.fromEntries(Object.entries(treeOf(at('to')) ?? {}).filter(([name]) => !name.startsWith('.stowage')))).toEqual(TREE);
      expect(Object.keys(TREE).every((name) => readFileSync(at(`to/${name}`), 'utf8') === TREE[name])).toBe(true);
    });

    it('examines a bucket of each', async () => {
      const { code, stdout, stderr } = await command('doctor', 'azure://boats', 'google://planes', 's3://cars', '--json');
      expect(stderr).toBe('');
      expect(eventsOf(stdout).map(({ provider, healthy }) => [provider, healthy])).toEqual([
        ['azure', true],
        ['google', true],
        ['minio', true],
      ]);
      expect(code).toBe(0);
      for (const secret of [azurite.account.key, minio.secretAccessKey]) expect(stdout).not.toContain(secret);
    });
  });
}
