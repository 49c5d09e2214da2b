import { gzipSync } from 'node:zlib';
import { Storage } from '@google-cloud/storage';
import fc from 'fast-check';
import { GoogleAuth } from 'google-auth-library';
import { openBucket, type StorageError } from '@stowage/core';
import { type StrictGcsServer, serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { googleDriver } from '../src/google-driver.ts';
import { keyProblem } from '../src/store-limits.ts';
import { keyOf, makeBucket, signedIn } from './strict-server.ts';

describe('keys', () => {
  it('have 1,024 bytes at most', () => {
    expect(keyProblem('a'.repeat(1024))).toBeUndefined();
    expect(keyProblem('é'.repeat(512))).toBeUndefined();
    expect(keyProblem('é'.repeat(513))).toMatch(/1026 bytes/);
  });

  it.each([
    ['a\rb', /carriage return/],
    ['a\nb', /line feed/],
    ['.well-known/acme-challenge/x', /acme-challenge/],
    ['.well-known/acme-challenge', undefined],
    ['.stowage-uploads/open/x', /unfinished uploads/],
    ['.stowage-uploads', undefined],
    ['sub/.stowage-uploads/x', undefined],
    [' [*?#]\u0001\u{1f600}', undefined],
  ] as const)('%j', (key, problem) => {
    if (problem === undefined) expect(keyProblem(key)).toBeUndefined();
    else expect(keyProblem(key)).toMatch(problem);
  });

  it('that are characters of any kind are taken, but for line ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), (key) => {
        const bad = /[\r\n]/.test(key) || key.startsWith('.well-known/acme-challenge/');
        expect(keyProblem(key) !== undefined).toBe(bad);
      }),
    );
  });
});

const { server, missing } = await serverOrReason(() => startStrictGcs());

if (server === undefined) test('what Google does beside the suite', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  describe('what Google does beside the suite', () => {
    google(server);
  });
}

function google(running: StrictGcsServer): void {
  const { endpoint } = running;
  const credentials = signedIn(running, running.owner);
  const open = (bucket: string, more: object = {}): ReturnType<typeof openBucket> => openBucket(googleDriver({ endpoint, credentials, ...more }, bucket));
  beforeAll(async () => {
    for (const name of ['plain', 'other', 'hidden']) await makeBucket(endpoint, name);
    await makeBucket(endpoint, 'versioned', true);
  });

  it('content that is stored as gzip comes as it is stored, in ranges too', async () => {
    await using bucket = open('plain');
    const packed = gzipSync('unpacked '.repeat(1000));
    await bucket.put('text.gz', packed, { contentEncoding: 'gzip', contentType: 'text/plain' });
    const object = await bucket.get('text.gz');
    expect(object.info).toMatchObject({ size: packed.byteLength, headers: { contentEncoding: 'gzip' } });
    expect(Buffer.from(await object.bytes()).equals(packed)).toBe(true);
    const range = await bucket.get('text.gz', { range: { start: 3, end: 20 } });
    expect(Buffer.from(await range.bytes()).equals(packed.subarray(3, 20))).toBe(true);
  });

  it('metadata that is no ASCII, which others wrote, is read as they wrote it', async () => {
    await using bucket = open('plain');
    await bucket.put('foreign', 'x', { metadata: { name: 'ascii' } });
    const token = await credentials.token({});
    const patch = await fetch(`${endpoint}/storage/v1/b/plain/o/foreign`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ metadata: { name: 'Grüße 🚢' } }),
    });
    expect(patch.status).toBe(200);
    expect((await bucket.head('foreign')).headers?.metadata).toEqual({ name: 'Grüße 🚢' });
    const object = await bucket.get('foreign');
    await object.text();
    expect(object.info.headers?.metadata).toEqual({ name: 'Grüße 🚢' });
    // A copy on the server keeps it, too.
    expect((await bucket.copy('foreign', 'foreign copy')).headers?.metadata).toEqual({ name: 'Grüße 🚢' });
  });

  it('a storage class is kept by writes, uploads, copies and header changes, and changed where that is asked for', async () => {
    await using bucket = open('plain');
    await bucket.put('cold', 'x', { storageClass: 'COLDLINE' });
    expect((await bucket.copy('cold', 'cold copy')).headers?.storageClass).toBe('COLDLINE');
    await bucket.setHeaders('cold', { contentType: 'text/plain' });
    expect((await bucket.head('cold')).headers).toEqual({ contentType: 'text/plain', storageClass: 'COLDLINE' });
    const before = await bucket.head('cold');
    const moved = await bucket.setHeaders('cold', { contentType: 'text/plain', storageClass: 'NEARLINE' }, { if: before.revision });
    expect(moved.headers?.storageClass).toBe('NEARLINE');
    await using upload = await bucket.upload('cold parts', { storageClass: 'ARCHIVE' });
    await upload.complete([await upload.part(0, Buffer.from('a')), await upload.part(1, Buffer.from('b'))]);
    expect((await bucket.head('cold parts')).headers?.storageClass).toBe('ARCHIVE');
  });

  it('a custom time that others set stays through header changes and copies', async () => {
    await using bucket = open('plain');
    await bucket.put('timed', 'x');
    const request = async (path: string, init: RequestInit = {}): Promise<Record<string, unknown>> => {
      const headers = { authorization: `Bearer ${await credentials.token({})}`, 'content-type': 'application/json' };
      return (await (await fetch(`${endpoint}/storage/v1/b/plain/o/${path}`, { ...init, headers })).json()) as Record<string, unknown>;
    };
    await request('timed', { method: 'PATCH', body: JSON.stringify({ customTime: '2020-02-03T04:05:06.000Z' }) });
    await bucket.setHeaders('timed', { contentType: 'text/plain' });
    await bucket.copy('timed', 'timed-copy');
    for (const key of ['timed', 'timed-copy']) expect((await request(key))['customTime']).toBe('2020-02-03T04:05:06.000Z');
  });

  it('a copy of several MiB to another bucket takes as many calls as the service wants', async () => {
    await using bucket = open('plain');
    await using other = open('other');
    const bytes = Buffer.alloc(5 * 1024 * 1024 + 17, 'long copy ');
    await bucket.put('large', bytes, { metadata: { kept: 'yes' } });
    const info = await other.copy({ bucket, key: 'large' }, 'large', { if: 'absent' });
    expect(info).toMatchObject({ size: bytes.byteLength, headers: { metadata: { kept: 'yes' } } });
    expect(Buffer.from(await (await other.get('large')).bytes()).equals(bytes)).toBe(true);
    await expect(other.copy({ bucket, key: 'large' }, 'large', { if: 'absent' })).rejects.toMatchObject({ code: 'AlreadyExists' });
  });

  it('versions are read, copied and deleted by generation', async () => {
    await using bucket = open('versioned', { versioned: true });
    const first = await bucket.put('k', 'one');
    const second = await bucket.put('k', 'two', { if: first.revision });
    const version = first.revision.version as string;
    expect(await (await bucket.get('k', { version })).text()).toBe('one');
    expect((await bucket.head('k', { version })).revision).toEqual(first.revision);
    await bucket.copy('k', 'restored', { version });
    expect(await (await bucket.get('restored')).text()).toBe('one');
    await bucket.delete('k');
    await expect(bucket.head('k')).rejects.toMatchObject({ code: 'NotFound' });
    expect(await (await bucket.get('k', { version: second.revision.version as string })).text()).toBe('two');
    await bucket.delete('k', { version });
    await expect(bucket.get('k', { version })).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('no part of an upload stays as a noncurrent version', async () => {
    await using bucket = open('versioned', { versioned: true });
    await using upload = await bucket.upload('composed');
    await upload.part(0, Buffer.from('first try'));
    await upload.complete([await upload.part(0, Buffer.from('second try'))]);
    const token = await credentials.token({});
    const response = await fetch(`${endpoint}/storage/v1/b/versioned/o?versions=true&prefix=.stowage-uploads/parts/`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items = [] } = (await response.json()) as { items?: { name: string; timeDeleted?: string }[] };
    expect(items.filter(({ timeDeleted }) => timeDeleted === undefined)).toEqual([]);
  });

  it('unfinished uploads are seen in no listing, by no delimiter', async () => {
    await using bucket = open('hidden');
    const upload = await bucket.upload('later');
    await upload.part(0, Buffer.from('x'));
    upload.detach();
    const all = async (o: object): Promise<string[]> => {
      const names: string[] = [];
      for await (const { objects, prefixes } of bucket.listPages(o)) names.push(...objects.map(({ key }) => key), ...prefixes);
      return names;
    };
    for (const delimiter of ['/', '-', '.', 'p', 'loads/']) expect(await all({ delimiter }), delimiter).toEqual([]);
    expect(await all({})).toEqual([]);
    await bucket.put('.stowage-else', 'x');
    expect(await all({ delimiter: '-' })).toEqual(['.stowage-']);
    expect(await all({ delimiter: '-', startAfter: '.stowage-else' })).toEqual([]);
    expect(await all({})).toEqual(['.stowage-else']);
    await (await bucket.resumeUpload(upload.ref)).abort();
  });

  it('an upload of more parts than one compose takes is whole, with their checksum', async () => {
    await using bucket = open('plain');
    await using upload = await bucket.upload('many', { contentType: 'text/plain' });
    const parts = await Promise.all(Array.from({ length: 70 }, (_, i) => upload.part(i, Buffer.from(`part ${i};`))));
    const info = await upload.complete(parts, { if: 'absent' });
    const whole = Array.from({ length: 70 }, (_, i) => `part ${i};`).join('');
    expect(info.size).toBe(whole.length);
    const object = await bucket.get('many');
    expect(object.info.headers).toEqual({ contentType: 'text/plain' });
    expect(await object.text()).toBe(whole);
  });

  it('a crc32c of the whole is compared at the completion', async () => {
    await using bucket = open('plain');
    await using upload = await bucket.upload('compared');
    const parts = [await upload.part(0, Buffer.from('12345')), await upload.part(1, Buffer.from('6789'))];
    await expect(upload.complete(parts, { checksum: { crc32c: 'AAAAAA==' } })).rejects.toMatchObject({ code: 'ChecksumMismatch' });
    const info = await upload.complete(parts, { checksum: { crc32c: '4waSgw==' } });
    expect(info.checksums.crc32c).toBe('4waSgw==');
  });

  it('md5 and crc32c that a caller names are compared by the service, and come back', async () => {
    await using bucket = open('plain');
    // Past the bucket, which compares on the way.
    await expect(bucket.driver.put('sum', Buffer.from('x'), { checksum: { md5: 'AAAAAAAAAAAAAAAAAAAAAA==' } })).rejects.toMatchObject({
      code: 'ChecksumMismatch',
      message: expect.stringContaining('the store found other bytes'),
    });
    const info = await bucket.put('sum', '123456789', { checksum: { crc32c: '4waSgw==', md5: 'JfnnlDI7RTiF9RgfG2JNCw==' } });
    expect(info.checksums).toEqual({ crc32c: '4waSgw==', md5: 'JfnnlDI7RTiF9RgfG2JNCw==' });
    expect((await bucket.head('sum')).checksums).toEqual(info.checksums);
  });

  describe('signed requests', () => {
    it("are the SDK's, but for the second in which they are made", async () => {
      const driver = googleDriver({ endpoint, credentials }, 'plain');
      const auth = new GoogleAuth();
      auth.jsonContent = { ...keyOf(running.owner) };
      const sdk = new Storage({ apiEndpoint: endpoint, authClient: auth, projectId: 'p' });
      for (const key of ['a', 'a b/ü+%2F?#&=\'"()*!~.txt']) {
        const [theirs] = await sdk
          .bucket('plain')
          .file(key)
          .getSignedUrl({
            version: 'v4',
            action: 'write',
            expires: Date.now() + 600_000,
            contentType: 'text/plain',
            extensionHeaders: { 'x-goog-meta-a': 'b' },
          });
        const ours = await driver.presign(key, { method: 'PUT', expiresInSeconds: 600, headers: { 'Content-Type': 'text/plain', 'x-goog-meta-a': 'b' } });
        const [a, b] = [new URL(theirs), new URL(ours.url)];
        expect(b.pathname).toBe(a.pathname);
        expect([...b.searchParams.keys()].sort()).toEqual([...a.searchParams.keys()].sort());
        for (const name of ['X-Goog-Algorithm', 'X-Goog-Credential', 'X-Goog-SignedHeaders']) expect(b.searchParams.get(name)).toBe(a.searchParams.get(name));
        const response = await fetch(ours.url, { method: 'PUT', body: 'signed', headers: ours.headers });
        expect(response.status).toBe(200);
      }
      expect((await driver.head('a', {})).headers).toEqual({ contentType: 'text/plain', metadata: { a: 'b' } });
    });

    it('live for seven days at most', async () => {
      const driver = googleDriver({ endpoint, credentials }, 'plain');
      await driver.put('a', Buffer.from('x'), {});
      await expect(driver.presign('a', { method: 'GET', expiresInSeconds: 604_801 })).rejects.toMatchObject({ code: 'InvalidArgument' });
      const { url, expiresAt } = await driver.presign('a', { method: 'GET', expiresInSeconds: 604_800 });
      expect((await fetch(url)).status).toBe(200);
      expect(Math.abs(expiresAt.getTime() - Date.now() - 604_800_000)).toBeLessThan(60_000);
    });
  });

  describe('permissions', () => {
    it('of a reader: reading and listing work, everything else is denied by its name', async () => {
      await using owner = open('plain');
      await owner.put('read me', 'x');
      await using reader = open('plain', { credentials: signedIn(running, running.reader) });
      expect(await (await reader.get('read me')).text()).toBe('x');
      const denied: StorageError = await reader.put('new', 'x').then(
        () => Promise.reject(new Error('it was written')),
        (error: unknown) => error as StorageError,
      );
      expect(denied.code).toBe('AccessDenied');
      expect(denied.message).toContain('storage.objects.create');
      expect(denied.message).toContain('reader@');
      expect(await reader.checkAccess()).toEqual({ list: 'granted', read: 'granted', write: 'denied', delete: 'denied', 'list-uploads': 'granted' });
    });
  });

  it("gives the SDK's own client, signed in the same way", async () => {
    await using bucket = open('plain');
    await bucket.put('native', 'x');
    const storage = (await bucket.native()) as Storage;
    const [metadata] = await storage.bucket('plain').file('native').getMetadata();
    expect(metadata.size).toBe('1');
    await using nobody = open('plain', { credentials: 'anonymous' });
    const other = (await nobody.native()) as Storage;
    await expect(other.bucket('plain').file('native').getMetadata()).rejects.toMatchObject({ code: 401 });
  });
}
