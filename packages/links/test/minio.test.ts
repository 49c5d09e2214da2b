import { openCatalog } from '@stowage/catalog';
import { type Bucket, createStorages, openBucket, retryLayer, type Storages } from '@stowage/core';
import { minio, minioDriver, type MinioOptions } from '@stowage/minio';
import { type S3Server, serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLinks, type Finding, importLinks, migrateProject } from '../src/index.ts';
import { linksFile, world } from './world.ts';

describe('on MinIO', () => {
  let server: S3Server | undefined;
  let missing = '';
  beforeAll(async () => {
    const found = await serverOrReason(() => startMinio({ buckets: ['cars', 'moved'] }));
    ({ server } = found);
    missing = found.missing ?? '';
  }, 600_000);
  afterAll(() => server?.stop());

  function open(
    { endpoint, region, accessKeyId, secretAccessKey }: S3Server,
    folder: string,
  ): { readonly storages: Storages; readonly bucket: (name: string) => Bucket } {
    const options: MinioOptions = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
    const settings = { provider: 'minio', endpoint, region, access_key: accessKeyId, secret_key: secretAccessKey };
    const entry = { name: 'cloud', provider: 'minio', buckets: ['cars', 'moved'], settings, source: 'remote_links.yml' };
    const config = { entries: [entry], main: { provider: 'minio', settings }, folder };
    return { storages: createStorages({ providers: [minio], config, layers: [retryLayer()] }), bucket: (name) => openBucket(minioDriver(options, name)) };
  }

  it('imports, checks by listing and one by one, and moves between two buckets on the server', async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    const w = await world();
    const { storages, bucket } = open(server, w.folder);
    await using cars = bucket('cars');
    const keys = Array.from({ length: 300 }, (_, i) => `photos/${String(i).padStart(3, '0')} #+%20.jpg`);
    await Promise.all(keys.map((key) => cars.put(key, `content of ${key}`, { contentType: 'image/jpeg' })));
    const catalog = await openCatalog(`${w.folder}/minio.sqlite`);
    const now = (): number => 0;
    const sources = [linksFile('x.txt', keys.map((key) => `s3://cars/${key}\n`).join(''))];
    const imported = await importLinks({ catalog, storages, project: 'P', sources, now }).report;
    expect(imported.tally).toMatchObject({ rows: 300, imported: 300 });

    await cars.delete(keys[7] ?? '');
    await cars.put(keys[8] ?? '', 'another size');
    await cars.put(keys[9] ?? '', `CONTENT of ${keys[9]}`);
    const findings = async (listing: 'auto' | 'never'): Promise<string[]> => {
      const found: Finding[] = [];
      const { requests } = await checkLinks({ catalog, storages, listing, now, observer: { findings: (some) => void found.push(...some) } }).report;
      expect(requests.pages).toBe(listing === 'auto' ? 1 : 0);
      return found.map(({ kind, link }) => `${kind} ${link}`).sort();
    };
    const expected = [`changed s3://cars/${keys[8]}`, `changed s3://cars/${keys[9]}`, `gone s3://cars/${keys[7]}`];
    expect(await findings('auto')).toEqual(expected);
    expect(await findings('never')).toEqual(expected);

    const o = { catalog, storages, to: 's3://moved/dir', from: 's3://cars/', now };
    const project = imported.project?.id ?? 0;
    expect(await migrateProject(project, o).report).toMatchObject({ uploaded: { entities: 297 }, failed: 3, linked: 0, bytesSent: 0 });
    expect(await migrateProject(project, { ...o, linkVerified: true }).report).toMatchObject({
      uploaded: { entities: 0 },
      there: { entities: 297 },
      failed: 3,
      linked: 297,
    });
    await using moved = bucket('moved');
    expect((await Array.fromAsync(moved.list({ prefix: 'dir/images/' }))).length).toBe(297);
    expect((await Array.fromAsync(cars.list())).length).toBe(299);
    await catalog.close();
    await storages.close();
  }, 120_000);
});
