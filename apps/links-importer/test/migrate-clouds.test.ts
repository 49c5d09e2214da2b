import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { azure } from '@stowage/azure';
import { openBucket } from '@stowage/core';
import { serverOrReason, startAzurite, startMinio, startStrictGcs } from '@stowage/test-servers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { objectsOf, plant, run, useFolder } from './command.ts';

const { server: servers, missing } = await serverOrReason(async () => ({
  minio: await startMinio({ buckets: ['cars'] }),
  azurite: await startAzurite(),
  gcs: await startStrictGcs(),
}));
const folder = useFolder();

if (servers === undefined) test('a project moves to each cloud', ({ skip }) => skip(missing));
else {
  const { minio, azurite, gcs } = servers;
  afterAll(async () => {
    for (const each of [minio, azurite, gcs]) await each.stop();
  }, 60_000);

  beforeAll(async () => {
    const { name, key } = azurite.account;
    const settings = { provider: 'azure', endpoint: azurite.endpoint, access_key: name, secret_key: key, buckets: ['boats'] };
    await using boats = openBucket(azure.open(azure.parseConfig(settings), 'boats'));
    await ((await boats.native()) as { create(): Promise<unknown> }).create();
    const body = JSON.stringify({ name: 'planes' });
    await fetch(`${gcs.endpoint}/storage/v1/b?project=test`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  }, 60_000);

  beforeEach(() => {
    plant(folder.path, {
      'planes.json': gcs.owner.credentials,
      'data/storage/private/small': 'a few bytes',
      'data/storage/private/large': Buffer.alloc(5 * 1024 * 1024 + 1, 'a film, '),
      'rows.jsonl': ['small', 'large'].map((name) => JSON.stringify({ name: `${name}.mp4`, dataset: ['d'], local: `/private/${name}` })).join('\n'),
    });
    writeFileSync(
      join(folder.path, 'remote_links.yml'),
      [
        `cars:\n  provider: minio\n  endpoint: ${minio.endpoint}\n  region: ${minio.region}`,
        `  access_key: ${minio.accessKeyId}\n  secret_key: ${minio.secretAccessKey}\n  buckets: [cars]`,
        `boats:\n  provider: azure\n  endpoint: ${azurite.endpoint}`,
        `  access_key: ${azurite.account.name}\n  secret_key: ${azurite.account.key}\n  buckets: [boats]`,
        `planes:\n  provider: google\n  endpoint: ${gcs.endpoint}`,
        `  credentials_path: planes.json\n  token_endpoint: ${gcs.endpoint}/token\n  buckets: [planes]`,
        '',
      ].join('\n'),
    );
  });

  describe('a project', () => {
    test.each(['s3://cars/moved', 'azure://boats/moved', 'google://planes/moved'])(
      'moves to %s, is as it was there, and a second run knows its content without sending it',
      async (to) => {
        const links = (...args: string[]): ReturnType<typeof run> => run(folder.path, args);
        const moved = async (): Promise<unknown> => objectsOf((await links('migrate', 'P', '--to', to, '--json')).stdout).at(-1);
        expect(await links('entities', 'add', 'rows.jsonl', '--project', 'P', '--type', 'videos')).toMatchObject({ code: 0 });
        expect(await moved()).toMatchObject({ exitCode: 0, uploaded: { entities: 2 }, failed: 0, conflicts: 0, linked: 2 });
        expect(await links('check', '--project', 'P')).toMatchObject({ code: 0, stdout: expect.stringContaining('as they were     2\n') });
        expect(await links('unlink', '--project', 'P')).toMatchObject({ code: 0 });
        expect(await moved()).toMatchObject({ exitCode: 0, uploaded: { entities: 0 }, there: { entities: 2 }, bytesSent: 0, linked: 2 });
      },
      60_000,
    );
  });
}
