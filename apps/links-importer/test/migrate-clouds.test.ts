import { azure } from '@stowage/azure';
import { openBucket } from '@stowage/core';
import { serverOrReason, startAzurite, startMinio, startStrictGcs } from '@stowage/test-servers';
import { afterAll, expect, test } from 'vitest';
import { objectsOf, plant, run, useFolder } from './command.ts';

const { server: servers, missing } = await serverOrReason(async () => ({
  minio: await startMinio({ buckets: ['cars'] }),
  azurite: await startAzurite(),
  gcs: await startStrictGcs(),
}));
afterAll(async () => {
  for (const each of Object.values(servers ?? {})) await each.stop();
}, 60_000);

const folder = useFolder();

/** A storage on each server, and a main storage with a small file and one that goes in parts. */
async function plantClouds({ minio, azurite, gcs }: NonNullable<typeof servers>): Promise<void> {
  const { name, key } = azurite.account;
  const boats = openBucket(azure.open(azure.parseConfig({ provider: 'azure', endpoint: azurite.endpoint, access_key: name, secret_key: key }), 'boats'));
  await ((await boats.native()) as { createIfNotExists(): Promise<unknown> }).createIfNotExists();
  await boats.close();
  const body = JSON.stringify({ name: 'planes' });
  await fetch(`${gcs.endpoint}/storage/v1/b?project=test`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  plant(folder.path, {
    'planes.json': gcs.owner.credentials,
    'data/storage/private/small': 'a few bytes',
    'data/storage/private/large': Buffer.alloc(5 * 1024 * 1024 + 1, 'a film, '),
    'rows.jsonl': ['small', 'large'].map((file) => JSON.stringify({ name: `${file}.mp4`, dataset: ['d'], local: `/private/${file}` })).join('\n'),
    'remote_links.yml': [
      `cars:\n  provider: minio\n  endpoint: ${minio.endpoint}\n  region: ${minio.region}`,
      `  access_key: ${minio.accessKeyId}\n  secret_key: ${minio.secretAccessKey}\n  buckets: [cars]`,
      `boats:\n  provider: azure\n  endpoint: ${azurite.endpoint}\n  access_key: ${name}\n  secret_key: ${key}\n  buckets: [boats]`,
      `planes:\n  provider: google\n  endpoint: ${gcs.endpoint}`,
      `  credentials_path: planes.json\n  token_endpoint: ${gcs.endpoint}/token\n  buckets: [planes]`,
      '',
    ].join('\n'),
  });
}

test.for(['s3://cars/moved', 'azure://boats/moved', 'google://planes/moved'])(
  'a project moves to %s, is as it was there, and a second run knows its content without sending it',
  { timeout: 60_000 },
  async (to, { skip }) => {
    if (servers === undefined) return skip(missing);
    await plantClouds(servers);
    const links = (...args: string[]): ReturnType<typeof run> => run(folder.path, args);
    const moved = async (): Promise<unknown> => objectsOf((await links('migrate', 'P', '--to', to, '--json')).stdout).at(-1);
    expect(await links('entities', 'add', 'rows.jsonl', '--project', 'P', '--type', 'videos')).toMatchObject({ code: 0 });
    expect(await moved()).toMatchObject({ exitCode: 0, uploaded: { entities: 2 }, failed: 0, conflicts: 0, linked: 2 });
    expect(await links('check', '--project', 'P')).toMatchObject({ code: 0, stdout: expect.stringContaining('as they were     2\n') });
    expect(await links('unlink', '--project', 'P')).toMatchObject({ code: 0 });
    expect(await moved()).toMatchObject({ exitCode: 0, uploaded: { entities: 0 }, there: { entities: 2 }, bytesSent: 0, linked: 2 });
  },
);
