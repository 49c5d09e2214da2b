import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { azure } from '@stowage/azure';
import { openCatalog } from '@stowage/catalog';
import { type Bucket, openBucket } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { google } from '@stowage/google';
import { minioDriver } from '@stowage/minio';
import { localAuthority, serverOrReason, startAzurite, startCountingProxy, startMinio, startStrictGcs } from '@stowage/test-servers';
import { afterAll, beforeEach, describe, expect, it, test } from 'vitest';
import { ended, objectsOf, start, useFolder } from './command.ts';

const { server: servers, missing } = await serverOrReason(async () => ({
  minio: await startMinio({ buckets: ['cars'] }),
  azurite: await startAzurite(),
  gcs: await startStrictGcs(),
  authority: await localAuthority(),
}));
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** A PNG of 3 × 2 pixels. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAFElEQVR4nGP8z8DAwMDAxAADCBYAHQkBA4nPpUcAAAAASUVORK5CYII=', 'base64');

if (servers === undefined) test('a mixed file', ({ skip }) => skip(missing));
else {
  const { minio, azurite, gcs, authority } = servers;
  const ends: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
    for (const each of [minio, azurite, gcs]) await each.stop();
    await authority[Symbol.asyncDispose]();
  }, 60_000);

  /** Behind the proxies, as the test itself sees them. */
  const stores = new Map<string, Bucket>();
  /** Methods of what came to the servers through the command. */
  const methods: (string | undefined)[] = [];
  let web: Server;

  beforeEach(async () => {
    const { accessKeyId, secretAccessKey, region } = minio;
    stores.set('cars', openBucket(minioDriver({ endpoint: minio.endpoint, region, credentials: { accessKeyId, secretAccessKey } }, 'cars')));
    const account = { provider: 'azure', endpoint: azurite.endpoint, access_key: azurite.account.name, secret_key: azurite.account.key, buckets: ['boats'] };
    stores.set('boats', openBucket(azure.open(azure.parseConfig(account), 'boats')));
    const container = (await stores.get('boats')?.native()) as { create(): Promise<unknown> };
    await container.create();
    writeFileSync(at('planes.json'), gcs.owner.credentials);
    const body = JSON.stringify({ name: 'planes' });
    await fetch(`${gcs.endpoint}/storage/v1/b?project=test`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const signIn = { credentials_path: at('planes.json'), token_endpoint: `${gcs.endpoint}/token` };
    stores.set('planes', openBucket(google.open(google.parseConfig({ provider: 'google', endpoint: gcs.endpoint, ...signIn, buckets: ['planes'] }), 'planes')));
    stores.set('pics', openBucket(fsDriver({ root: at('pics'), bucket: 'pics', durability: 'none' })));
    for (const [name, keys] of Object.entries(CONTENT)) for (const [key, content] of Object.entries(keys)) await stores.get(name)?.put(key, content);
    await stores.get('cars')?.put('page.jpg', '<html>', { contentType: 'text/html' });

    const { certificate, key } = await authority.issue('127.0.0.1');
    web = createServer({ cert: certificate, key }, ({ method, url }, answer) => {
      methods.push(method);
      const found = url === '/img/c%20d.jpg?size=1';
      answer.writeHead(found ? 200 : 404, { 'content-type': found ? 'image/jpeg' : 'text/plain', 'content-length': '9', etag: '"web-1"' });
      answer.end(method === 'HEAD' ? undefined : 'not found'.slice(0, 9));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const proxies = await Promise.all(
      [minio.endpoint, new URL(azurite.endpoint).origin, gcs.endpoint].map((endpoint) =>
        startCountingProxy(endpoint, { onAnswer: ({ method }) => void methods.push(method) }),
      ),
    );
    ends.push(
      ...[...stores.values()].map((bucket) => () => bucket.close()),
      ...proxies.map((proxy) => async () => proxy[Symbol.asyncDispose]()),
      () => new Promise<unknown>((resolve) => web.close(resolve)),
    );
    const [toMinio, toAzure, toGoogle] = proxies.map(({ endpoint }) => endpoint);
    writeFileSync(at('ca.pem'), authority.ca);
    writeFileSync(
      at('remote_links.yml'),
      [
        'cars:\n  provider: minio',
        `  endpoint: ${toMinio}\n  region: ${region}\n  access_key: ${accessKeyId}\n  secret_key: ${secretAccessKey}\n  buckets: [cars]`,
        'boats:\n  provider: azure',
        `  endpoint: ${toAzure}${new URL(azurite.endpoint).pathname}\n  access_key: ${account.access_key}\n  secret_key: ${account.secret_key}\n  buckets: [boats]`,
        'planes:\n  provider: google',
        `  endpoint: ${toGoogle}\n  credentials_path: planes.json\n  token_endpoint: ${gcs.endpoint}/token\n  buckets: [planes]`,
        `pics:\n  provider: fs\n  path: ${at('pics')}`,
        `web:\n  provider: http\n  allow_hosts: ["${host()}"]\n  ca: { file: ca.pem }`,
        '',
      ].join('\n'),
    );
  }, 60_000);

  const host = (): string => `127.0.0.1:${(web.address() as AddressInfo).port}`;

  /** Every object, by the stores' own listings: name, size, revision and time. */
  const listing = async (): Promise<string[]> => {
    const objects: string[] = [];
    for (const [name, bucket] of stores)
      for await (const { key, size, lastModified, revision } of bucket.list())
        objects.push(`${name} ${key} ${size} ${lastModified.toISOString()} ${JSON.stringify(revision)}`);
    return objects;
  };

  describe('a mixed file', () => {
    it('imports with sums that match, tells every bad line, changes no storage, and adds nothing when it comes again', { timeout: 120_000 }, async () => {
      const lines = fileLines(host());
      writeFileSync(at('mixed.txt'), `\ufeff${lines.map(([text]) => text).join('\r\n')}\r\n`);
      const before = await listing();
      expect(before).toHaveLength(Object.values(CONTENT).reduce((sum, keys) => sum + Object.keys(keys).length, 1));
      const args = ['import', 'mixed.txt', '--project', 'Mixed', '--report-dir', 'report', '--json', '-v'];
      const first = await ended(start(folder.path, args));

      const told = objectsOf(first.stdout);
      const rows = told
        .filter(({ event }) => event === 'line')
        .map(({ line, outcome, name, column, reason }) => [line, outcome, ...(outcome === 'failed' ? [column, reason] : [name])].join(' '));
      expect(rows).toEqual(lines.flatMap(([, outcome], i) => (outcome === undefined ? [] : [`${i + 1} ${outcome}`])));
      const outcomes = rows.map((row) => row.split(' ')[1]);
      const count = (kind: string): number => outcomes.filter((outcome) => outcome === kind).length;
      const tally = { rows: rows.length, imported: count('imported'), present: 1, failed: count('failed'), skipped: 0, ignored: lines.length - rows.length };
      expect(told.at(-1)).toMatchObject({ event: 'end', exitCode: 1, balanced: true, tally });
      expect(first.code).toBe(1);

      // File, line, column and reason, one line each.
      const troubles = first.stderr.split('\n').filter((line) => line.startsWith('mixed.txt:'));
      expect(troubles).toHaveLength(count('failed'));
      for (const trouble of troubles) expect(trouble).toMatch(/^mixed\.txt:\d+:\d+: \S.*$/);
      expect(readFileSync(at('report/failed/mixed.txt'), 'utf8').split(/\r?\n/).filter(Boolean)).toEqual(
        lines.filter(([, outcome]) => outcome?.startsWith('failed')).map(([text]) => text),
      );

      expect(await listing()).toEqual(before);
      expect(new Set(methods)).toEqual(new Set(['GET', 'HEAD']));
      const kept = await entities();
      expect(kept).toHaveLength(count('imported'));
      expect(kept.find(({ link }) => link === 's3://cars/a/1.jpg')).toMatchObject({ size: PNG.length, mime: 'image/jpeg' });

      const second = await ended(start(folder.path, args));
      expect(objectsOf(second.stdout).at(-1)).toMatchObject({ balanced: true, tally: { ...tally, imported: 0, present: tally.imported + 1 } });
      expect(await entities()).toEqual(kept);
      expect(await listing()).toEqual(before);

      const check = await ended(start(folder.path, ['check', '--json']));
      expect(objectsOf(check.stdout).at(-1)).toMatchObject({ event: 'end', exitCode: 0, checked: kept.length, ok: kept.length });
    });
  });

  const entities = async (): Promise<{ id: number; name: string; link: string | undefined; size: number | undefined; mime: string | undefined }[]> => {
    await using catalog = await openCatalog(at('stowage-catalog.sqlite'));
    const all = [];
    for await (const { id, name, link, size, mime } of catalog.entities.stream()) all.push({ id, name, link, size, mime });
    return all;
  };
}

/** What lies in the stores before, beside a page of a website. */
const CONTENT: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>> = {
  cars: { 'a/1.jpg': PNG, 'b/1.jpg': 'two', 'tab\tand %41 + #.jpg': 'odd', 'empty.jpg': '', 'notes.txt': 'words' },
  boats: { 'odd #%20 +&?.png': PNG, 'deep/er/ü.jpg': 'boat' },
  planes: { 'ü/😀.jpg': 'plane', 'b?generation=1.png': PNG, '#c.png': PNG },
  pics: { "it's %2F #1 .png": PNG, ' space in front.jpg': 'p' },
};

/** Each line of the file, and what comes of it; nothing comes of those that hold no link. */
function fileLines(host: string): readonly (readonly [text: string, outcome?: string])[] {
  return [
    ['# one of each scheme, and of each mistake'],
    ['s3://cars/a/1.jpg', 'imported 1.jpg'],
    ['MINIO://cars/b/1.jpg', 'imported 1_01.jpg'],
    [''],
    ['s3://cars/tab\tand %41 + #.jpg', 'imported tab\tand %41 + #.jpg'],
    ['azure://boats/odd #%20 +&?.png', 'imported odd #%20 +&?.png'],
    ['azure://boats/deep/er/ü.jpg', 'imported ü.jpg'],
    ['google://planes/ü/😀.jpg', 'imported 😀.jpg'],
    ['gcs://planes/b?generation=1.png', 'imported b?generation=1.png'],
    ['gs://planes/#c.png', 'imported #c.png'],
    ["fs://pics/it's %2F #1 .png", "imported it's %2F #1 .png"],
    ['fs://pics/ space in front.jpg', 'imported  space in front.jpg'],
    [`https://${host}/img/c%20d.jpg?size=1`, 'imported c d.jpg'],
    ['   '],
    ['# bad ones'],
    ['s4://cars/a/1.jpg', 'failed 1 bad-line'],
    ['nonsense', 'failed 1 bad-line'],
    ['s3:/cars/a/1.jpg', 'failed 4 bad-line'],
    ['s3:///a/1.jpg', 'failed 6 bad-line'],
    ['s3://cars', 'failed 10 bad-line'],
    ['s3://cars/a/../1.jpg', 'failed 13 bad-line'],
    ['s3://carz/a/1.jpg', 'failed 1 unknown-storage'],
    ['s3://cars/gone.jpg', 'failed 1 missing'],
    ['azure://boats/gone.jpg', 'failed 1 missing'],
    ['gs://planes/gone.jpg', 'failed 1 missing'],
    ['fs://pics/gone.jpg', 'failed 1 missing'],
    [`https://${host}/gone.jpg`, 'failed 1 missing'],
    ['https://127.0.0.1:443/private.jpg', 'failed 1 denied'],
    ['s3://cars/empty.jpg', 'failed 1 empty'],
    ['s3://cars/notes.txt', 'failed 1 wrong-type'],
    ['s3://cars/page.jpg', 'failed 1 wrong-type'],
    ['s3://cars/a/1.jpg', 'present 1.jpg'],
  ];
}
