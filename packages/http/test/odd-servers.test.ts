import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { type Bucket, type ByteRange, isStorageError, openBucket, resolveRange } from '@stowage/core';
import fc from 'fast-check';
import { afterEach, describe, expect, it, test } from 'vitest';
import { httpDriver, type HttpOptions } from '../src/index.ts';
import { loopbackServer, type LoopbackServer, rawServer } from './loopback-server.ts';

const ends: AsyncDisposable[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end[Symbol.asyncDispose]();
});

interface Scene {
  readonly bucket: Bucket;
  readonly url: string;
  readonly server: LoopbackServer;
}

async function scene(listener: (incoming: IncomingMessage, answer: ServerResponse) => void, options: HttpOptions = {}): Promise<Scene> {
  return open(await loopbackServer(listener), options);
}

function open(server: LoopbackServer, options: HttpOptions = {}): Scene {
  const bucket = openBucket(httpDriver({ allowHosts: [`127.0.0.1:${server.port}`], ...options }));
  ends.push(server, bucket);
  return { bucket, server, url: `${server.origin}/file.bin` };
}

const CONTENT = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
const LENGTH = { 'content-length': String(CONTENT.byteLength) };

describe('head', () => {
  it.each([400, 401, 403, 404, 405, 501])('asks by GET of the first byte where HEAD is answered with %i', async (status) => {
    const { bucket, url, server } = await scene((incoming, answer) => {
      if (incoming.method === 'HEAD') answer.writeHead(status).end();
      else answer.writeHead(206, { 'content-range': 'bytes 0-0/100', etag: '"a"', 'content-length': '1' }).end('x');
    });
    await expect(bucket.head(url)).resolves.toMatchObject({ key: url, size: 100, revision: { etag: '"a"' } });
    expect(server.seen).toEqual(['HEAD /file.bin', 'GET /file.bin']);
    expect(server.requests[1]?.headers['range']).toBe('bytes=0-0');
  });

  it.each([
    ['no length', {}],
    ['a length of 0', { 'content-length': '0' }],
  ])('asks by GET where HEAD tells %s', async (_what, headers) => {
    const { bucket, url } = await scene((incoming, answer) => {
      if (incoming.method === 'HEAD') answer.writeHead(200, headers).end();
      else answer.writeHead(200, LENGTH).end(CONTENT);
    });
    await expect(bucket.head(url)).resolves.toMatchObject({ size: 100 });
  });

  it('of an empty file is told by a plain GET, where its first byte is refused', async () => {
    const { bucket, url, server } = await scene((incoming, answer) => {
      if (incoming.headers.range === undefined) answer.writeHead(200, { 'content-length': '0', 'content-type': 'text/plain' }).end();
      else answer.writeHead(416, { 'content-range': 'bytes */0', 'content-type': 'text/html' }).end();
    });
    await expect(bucket.head(url)).resolves.toMatchObject({ size: 0, headers: { contentType: 'text/plain' } });
    expect(server.seen.length).toBe(3);
  });

  it.each([404, 410, 401, 403, 429, 500])('fails with what GET says where both say %i', async (status) => {
    const { bucket, url } = await scene((_incoming, answer) => answer.writeHead(status).end());
    await expect(bucket.head(url)).rejects.toMatchObject({ status });
    await expect(bucket.get(url)).rejects.toMatchObject({ status });
  });

  it.each(['bytes 1-1/100', 'bytes 0-5/100', 'bytes 0-0/*'])('does not believe a first byte that is %s', async (range) => {
    const { bucket, url } = await scene((incoming, answer) => {
      if (incoming.method === 'HEAD') answer.writeHead(405).end();
      else answer.writeHead(206, { 'content-range': range }).end('x');
    });
    await expect(bucket.head(url)).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
  });
});

describe('ranges', () => {
  const ranged = (contentRange: string | undefined, body: Buffer, more: Record<string, string> = {}) =>
    scene((_incoming, answer) => answer.writeHead(206, { ...(contentRange === undefined ? {} : { 'content-range': contentRange }), ...more }).end(body));

  it.each([
    ['another start', 'bytes 6-10/100'],
    ['fewer bytes', 'bytes 5-8/100'],
    ['more bytes', 'bytes 5-20/100'],
    ['no total', 'bytes 5-9/*'],
    ['no range', undefined],
    ['a range behind the end', 'bytes 5-9/7'],
    ['a range that is backwards', 'bytes 9-5/100'],
    ['another unit', 'items 5-9/100'],
    ['a refusal', 'bytes */100'],
  ])('an answer with %s is not believed', async (_what, contentRange) => {
    const { bucket, url } = await ranged(contentRange, CONTENT.subarray(5, 10));
    await expect(bucket.get(url, { range: { start: 5, end: 10 } })).rejects.toMatchObject({ code: 'Unavailable', retryable: false, status: 206 });
  });

  it('a length that contradicts the range is not believed', async () => {
    const { bucket, url } = await ranged('bytes 5-9/100', CONTENT.subarray(5, 9), { 'content-length': '4' });
    await expect(bucket.get(url, { range: { start: 5, end: 10 } })).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
  });

  it.each([4, 6])('a body of %i bytes for a range of 5, without a length, fails', async (bytes) => {
    const { url, bucket } = await ranged('bytes 5-9/100', CONTENT.subarray(5, 5 + bytes), { 'transfer-encoding': 'chunked' });
    const object = await bucket.driver.get(url, { range: { start: 5, end: 10 } });
    await expect(Array.fromAsync(object.body)).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
  });

  it('several parts, and a part of what was asked for whole, are not believed', async () => {
    const parts = await ranged(undefined, Buffer.from('--x'), { 'content-type': 'multipart/byteranges; boundary=x' });
    await expect(parts.bucket.get(parts.url, { range: { start: 5, end: 10 } })).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
    const whole = await ranged('bytes 0-99/100', CONTENT);
    await expect(whole.bucket.get(whole.url)).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
  });

  it('are cut out of the whole, where the server ignores them', async () => {
    const { bucket, url } = await scene((_incoming, answer) => answer.writeHead(200, LENGTH).end(CONTENT));
    for (const [range, start, end] of [
      [{ start: 5, end: 10 }, 5, 10],
      [{ start: 90 }, 90, 100],
      [{ start: 90, end: 1000 }, 90, 100],
      [{ suffix: 3 }, 97, 100],
      [{ suffix: 300 }, 0, 100],
    ] as const) {
      const object = await bucket.get(url, { range });
      expect(object.range).toEqual({ start, end });
      expect(Buffer.from(await object.bytes())).toEqual(CONTENT.subarray(start, end));
    }
    await expect(bucket.get(url, { range: { start: 100 } })).rejects.toMatchObject({ code: 'InvalidRange' });
  });

  it('are not cut out where too much would be read for nothing', async () => {
    const { bucket, url } = await scene((_incoming, answer) => answer.writeHead(200, LENGTH).end(CONTENT), { maxSkippedBytes: 10 });
    expect((await (await bucket.get(url, { range: { start: 10 } })).bytes()).byteLength).toBe(90);
    await expect(bucket.get(url, { range: { start: 11 } })).rejects.toMatchObject({ code: 'Unsupported', retryable: false });
  });

  it('a suffix longer than the file is asked for again as all of it, where it is refused', async () => {
    const { bucket, url, server } = await scene((incoming, answer) => {
      if (incoming.headers.range === 'bytes=-1000') answer.writeHead(416, { 'content-range': 'bytes */100' }).end();
      else answer.writeHead(206, { ...LENGTH, 'content-range': 'bytes 0-99/100' }).end(CONTENT);
    });
    expect(Buffer.from(await (await bucket.get(url, { range: { suffix: 1000 } })).bytes())).toEqual(CONTENT);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual(['bytes=-1000', 'bytes=0-99']);
  });
});

describe('sizes and bodies', () => {
  it('what does not tell its size is no object', async () => {
    const { bucket, url } = await scene((_incoming, answer) => void answer.writeHead(200, { 'transfer-encoding': 'chunked' }).end('made while it is sent'));
    await expect(bucket.get(url)).rejects.toMatchObject({ code: 'Unsupported', retryable: false });
    await expect(bucket.head(url)).rejects.toMatchObject({ code: 'Unsupported', retryable: false });
  });

  it.each([
    ['is cut short', 'Content-Length: 10', '12345'],
    ['is cut short, chunked', 'Transfer-Encoding: chunked\r\nContent-Range: bytes 0-9/10', '5\r\n12345\r\n'],
  ])('a body that %s fails', async (_what, headers, body) => {
    const status = headers.includes('Range') ? '206 Partial Content' : '200 OK';
    const { bucket, url } = open(await rawServer((socket) => socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`)));
    const object = await bucket.get(url, headers.includes('Range') ? { range: { start: 0 } } : {});
    await expect(object.bytes()).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
  });

  it('a body that is longer than announced gives what was announced, and the next request is not confused', async () => {
    const { bucket, url } = open(
      await rawServer((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')),
    );
    for (let i = 0; i < 3; i++) {
      const outcome = await bucket.get(url).then(
        (object) => object.text(),
        (error: unknown) => String(error),
      );
      expect(outcome).toMatch(/^12345$|StorageError/);
    }
  });

  it('two lengths that differ, and a length beside chunks, are refused', async () => {
    for (const headers of ['Content-Length: 5\r\nContent-Length: 6', 'Content-Length: 5\r\nTransfer-Encoding: chunked']) {
      const { bucket, url } = open(await rawServer((socket) => socket.end(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n12345`)));
      await expect(bucket.get(url).then((object) => object.bytes())).rejects.toMatchObject({ code: 'Unavailable' });
    }
  });

  it('content is asked for plain, and a coding that comes nonetheless is told and left as it is', async () => {
    const bomb = gzipSync(Buffer.alloc(10 * 1024 * 1024));
    const { bucket, url, server } = await scene((_incoming, answer) =>
      answer.writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(bomb.byteLength) }).end(bomb),
    );
    const object = await bucket.get(url);
    expect(object.info).toMatchObject({ size: bomb.byteLength, headers: { contentEncoding: 'gzip' } });
    expect(Buffer.from(await object.bytes())).toEqual(bomb);
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('more than maxBytes is refused by what is announced, and by what comes', async () => {
    const announced = await scene((_incoming, answer) => answer.writeHead(200, LENGTH).end(CONTENT), { maxBytes: 99 });
    await expect(announced.bucket.get(announced.url)).rejects.toMatchObject({ code: 'InvalidArgument', retryable: false });
    await expect(announced.bucket.head(announced.url)).resolves.toMatchObject({ size: 100 });
  });
});

describe('revisions and conditions', () => {
  const changing = (headersOf: (version: number) => Record<string, string>, options?: { readonly heed: boolean }) => {
    const state = { version: 1 };
    return scene((incoming, answer) => {
      const headers = headersOf(state.version);
      if (options?.heed === true && incoming.headers['if-match'] !== undefined && incoming.headers['if-match'] !== headers['etag']) answer.writeHead(412).end();
      else answer.writeHead(200, { ...LENGTH, ...headers }).end(incoming.method === 'HEAD' ? undefined : CONTENT);
    }).then((made) => ({ ...made, state }));
  };

  it.each([
    ['a strong tag that the server heeds', (v: number) => ({ etag: `"v${v}"` }), true],
    ['a strong tag that it ignores', (v: number) => ({ etag: `"v${v}"` }), false],
    ['a strong tag with a space', (v: number) => ({ etag: `"v ${v}"` }), true],
    ['a tag with bytes that are no ASCII, and a time', (v: number) => ({ etag: `"ü${v}"`, 'last-modified': new Date(v * 1e6).toUTCString() }), true],
    ['a weak tag', (v: number) => ({ etag: `W/"v${v}"` }), true],
    ['a weak tag that stays while the time changes', (v: number) => ({ etag: 'W/"v"', 'last-modified': new Date(v * 1e6).toUTCString() }), true],
    ['a time alone', (v: number) => ({ 'last-modified': new Date(v * 1e6).toUTCString() }), true],
    ['a tag that is none, and a time', (v: number) => ({ etag: 'v', 'last-modified': new Date(v * 1e6).toUTCString() }), true],
  ])('%s pins a revision', async (_what, headersOf, heed) => {
    const { bucket, url, state } = await changing(headersOf, { heed });
    const { revision } = await bucket.head(url);
    await expect((await bucket.get(url, { ifMatch: revision })).bytes()).resolves.toHaveLength(100);
    await expect(bucket.get(url, { ifNoneMatch: revision })).rejects.toMatchObject({ code: 'NotModified' });
    state.version++;
    await expect(bucket.get(url, { ifMatch: revision })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    await expect(bucket.head(url, { ifMatch: revision, ifUnmodifiedSince: new Date() })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    await expect((await bucket.get(url, { ifNoneMatch: revision })).bytes()).resolves.toHaveLength(100);
  });

  it('with neither tag nor time nothing is known, and nothing is pinned', async () => {
    const { bucket, url } = await changing(() => ({}));
    const { revision, lastModified } = await bucket.head(url);
    expect(revision).toEqual({});
    expect(lastModified).toEqual(new Date(0));
    await expect(bucket.get(url, { ifMatch: revision })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    await expect(bucket.get(url, { ifUnmodifiedSince: new Date() })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    await expect((await bucket.get(url, { ifModifiedSince: new Date() })).bytes()).resolves.toHaveLength(100);
  });
});

describe('checksums', () => {
  const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');
  const other = Buffer.from('other bytes');

  it.each([
    ['Content-MD5', (bytes: Uint8Array) => ({ 'content-md5': md5(bytes) })],
    ['Repr-Digest', (bytes: Uint8Array) => ({ 'repr-digest': `sha-512=:AAAA:, sha-256=:${sha256(bytes)}:` })],
    ['Digest', (bytes: Uint8Array) => ({ digest: `SHA-256=${sha256(bytes)},md5=${md5(bytes)}` })],
  ])('%s is told and compared', async (_what, headersOf) => {
    const right = await scene((_incoming, answer) => answer.writeHead(200, { ...LENGTH, ...headersOf(CONTENT) }).end(CONTENT));
    const object = await right.bucket.get(right.url);
    expect(Object.keys(object.info.checksums).length).toBeGreaterThan(0);
    await expect(object.bytes()).resolves.toHaveLength(100);
    const wrong = await scene((_incoming, answer) => answer.writeHead(200, { ...LENGTH, ...headersOf(other) }).end(CONTENT));
    await expect((await wrong.bucket.get(wrong.url)).bytes()).rejects.toMatchObject({ code: 'ChecksumMismatch' });
    await expect((await wrong.bucket.get(wrong.url, { verify: false })).bytes()).resolves.toHaveLength(100);
  });

  test.each(['', 'AAAA', 'not base64!', 'A'.repeat(24)])('the Content-MD5 %j is none', async (value) => {
    const { bucket, url } = await scene((_incoming, answer) => answer.writeHead(200, { ...LENGTH, 'content-md5': value }).end(CONTENT));
    const object = await bucket.get(url);
    expect(object.info.checksums).toEqual({});
    await object.bytes();
  });

  it('the Content-MD5 of a part is not that of the object', async () => {
    const part = CONTENT.subarray(0, 10);
    const { bucket, url } = await scene((_incoming, answer) =>
      answer.writeHead(206, { 'content-range': 'bytes 0-9/100', 'content-length': '10', 'content-md5': md5(part) }).end(part),
    );
    const object = await bucket.get(url, { range: { start: 0, end: 10 } });
    expect(object.info.checksums).toEqual({});
    await object.bytes();
  });
});

describe('failures', () => {
  it.each([
    [400, 'InvalidArgument', false],
    [401, 'Unauthenticated', false],
    [403, 'AccessDenied', false],
    [404, 'NotFound', false],
    [408, 'Timeout', true],
    [410, 'NotFound', false],
    [414, 'InvalidKey', false],
    [418, 'Unknown', false],
    [425, 'Unavailable', true],
    [429, 'RateLimited', true],
    [451, 'AccessDenied', false],
    [500, 'Unavailable', true],
    [501, 'Unavailable', false],
    [502, 'Unavailable', true],
    [503, 'Unavailable', true],
    [504, 'Unavailable', true],
    [204, 'Unavailable', false],
    [300, 'Unavailable', false],
    [302, 'Unavailable', false],
  ] as const)('status %i is %s, retryable: %s', async (status, code, retryable) => {
    const { bucket, url } = await scene((_incoming, answer) => answer.writeHead(status).end());
    await expect(bucket.get(url)).rejects.toMatchObject({ code, retryable, status, provider: 'http', bucket: 'public', operation: 'get', key: url });
  });

  it.each([
    ['what speaks another protocol', '220 mail.test ESMTP\r\n', false],
    ['half a status line', 'HTTP/1.1 20', true],
    ['headers that are none', 'HTTP/1.1 200 OK\r\nno colon here\r\n\r\n', false],
    ['nothing', '', true],
  ])('%s is Unavailable', async (_what, answer, retryable) => {
    const { bucket, url } = open(await rawServer((socket) => socket.end(answer)));
    await expect(bucket.get(url)).rejects.toMatchObject({ code: 'Unavailable', retryable, message: expect.stringMatching(/speak http|broke/) });
  });

  it('what does not speak TLS at an https link is Unavailable, and not retryable', async () => {
    const server = await rawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { bucket } = open(server);
    await expect(bucket.get(`https://127.0.0.1:${server.port}/`)).rejects.toMatchObject({
      code: 'Unavailable',
      retryable: false,
      message: expect.stringContaining('TLS'),
    });
  });

  it('Retry-After is told, in seconds and as a date', async () => {
    let retryAfter = '7';
    const { bucket, url } = await scene((_incoming, answer) => answer.writeHead(503, { 'retry-after': retryAfter }).end());
    await expect(bucket.get(url)).rejects.toMatchObject({ code: 'Unavailable', retryAfterMs: 7000 });
    retryAfter = new Date(Date.now() - 60_000).toUTCString();
    await expect(bucket.get(url)).rejects.toMatchObject({ retryAfterMs: 0 });
    retryAfter = 'soon';
    await expect(bucket.get(url)).rejects.toMatchObject({ retryAfterMs: undefined });
  });

  it('writes, listings and signed requests are refused without a request', async () => {
    const { bucket, url, server } = await scene((_incoming, answer) => answer.writeHead(200).end());
    for (const call of [
      () => bucket.put(url, 'x'),
      () => bucket.delete(url),
      () => bucket.upload(url),
      () => bucket.copy(url, `${url}2`),
      () => bucket.setHeaders(url, {}),
      () => bucket.listPage(),
      () => bucket.presign(url, { method: 'GET', expiresInSeconds: 1 }),
      () => bucket.driver.put(url, Buffer.from('x'), {}),
      () => bucket.driver.startUpload(url, {}),
      () => bucket.driver.resumeUpload({ key: url, id: 'x' }, {}),
      () => Array.fromAsync(bucket.driver.list({})),
      () => Array.fromAsync(bucket.driver.listUploads({})),
      () => bucket.driver.setHeaders(url, {}, {}),
      () => bucket.driver.presign(url, { method: 'GET', expiresInSeconds: 1 }),
      async () => {
        for (const outcome of [
          ...(await bucket.driver.deleteMany([{ key: url }], {})),
          ...(await bucket.driver.copyMany([{ from: bucket.driver.copySource(url), to: url }], {})),
        ])
          if (!outcome.ok) throw outcome.error;
      },
    ])
      await expect(call()).rejects.toMatchObject({ code: 'Unsupported', retryable: false });
    expect(server.seen).toEqual([]);
    await expect(bucket.checkAccess()).resolves.toMatchObject({ read: 'not-probed', write: 'denied' });
  });
});

it('whatever a server claims, a read gives the range that was asked for, whole, or fails', async () => {
  const near = (value: number): fc.Arbitrary<number> => fc.oneof(fc.constant(value), fc.integer({ min: 0, max: 110 }));
  const claims = fc.record({
    status: fc.constantFrom(200, 206, 206, 416),
    start: near(20),
    end: near(50),
    total: fc.oneof(near(100).map(String), fc.constant('*')),
    ranged: fc.boolean(),
    length: fc.oneof(fc.constant(undefined), near(30), near(100)),
    chunked: fc.boolean(),
    from: near(20),
    to: near(50),
  });
  let claim: typeof claims extends fc.Arbitrary<infer T> ? T : never;
  const server = await rawServer((socket) => {
    const { status, start, end, total, ranged, length, chunked, from, to } = claim;
    const body = Buffer.concat([CONTENT, CONTENT]).subarray(from, to);
    const headers = [
      `HTTP/1.1 ${status} X`,
      'Connection: close',
      ...(ranged ? [`Content-Range: bytes ${start}-${end - 1}/${total}`] : []),
      ...(chunked ? ['Transfer-Encoding: chunked'] : length === undefined ? [] : [`Content-Length: ${length}`]),
    ];
    const framed = chunked ? [`${body.byteLength.toString(16)}\r\n`, body, body.byteLength === 0 ? '\r\n' : '\r\n0\r\n\r\n'] : [body];
    socket.end(Buffer.concat([`${headers.join('\r\n')}\r\n\r\n`, ...framed].map((part) => Buffer.from(part))));
  });
  const { bucket, url } = open(server);
  let reads = 0;
  await fc.assert(
    fc.asyncProperty(claims, fc.constantFrom<ByteRange | undefined>(undefined, { start: 20, end: 50 }, { start: 20 }, { suffix: 30 }), async (next, range) => {
      claim = next;
      try {
        const object = await bucket.get(url, range === undefined ? {} : { range });
        expect(object.range).toEqual(resolveRange(range, object.info.size));
        expect((await object.bytes()).byteLength).toBe(object.range.end - object.range.start);
        reads++;
      } catch (error) {
        if (!isStorageError(error)) throw error;
        expect(['Unavailable', 'Unsupported', 'InvalidRange']).toContain(error.code);
      }
    }),
    { numRuns: 600 },
  );
  expect(reads, 'reads that succeeded').toBeGreaterThan(10);
});
