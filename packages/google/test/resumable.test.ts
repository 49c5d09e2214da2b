import { type BucketDriver, isStorageError, openBucket } from '@stowage/core';
import { faultServer, type Misbehave, pass, serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { googleDriver } from '../src/google-driver.ts';
import { jsonError } from './json-error.ts';
import { makeBucket, unchecked } from './strict-server.ts';

const UNIT = 256 * 1024;
const { server, missing } = await serverOrReason(() => startStrictGcs({ open: true }));

/** So many bytes that no two places look alike. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
  return bytes;
}

async function* stream(bytes: Buffer, step: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += step) yield bytes.subarray(at, at + step);
}

/** The n-th request that matches goes wrong so; all others pass. */
function nth(n: number, matches: (method: string, url: string, range: string) => boolean, misbehave: Misbehave): Misbehave {
  let seen = 0;
  return (incoming, answer) => {
    const range = incoming.headers['content-range'] ?? '';
    if (!matches(incoming.method ?? '', incoming.url ?? '', range) || ++seen !== n) return false;
    return misbehave(incoming, answer);
  };
}

const isChunk = (method: string, url: string, range: string): boolean => method === 'PUT' && url.includes('upload_id=') && /^bytes \d/.test(range);
const isLast = (method: string, url: string, range: string): boolean => isChunk(method, url, range) && !range.endsWith('/*');

if (server === undefined) test('resumable uploads', ({ skip }) => skip(missing));
else {
  const open = (endpoint: string): BucketDriver => googleDriver({ endpoint, credentials: unchecked(), chunkSize: UNIT }, 'resumable');
  const direct = open(server.endpoint);
  const read = async (key: string): Promise<Buffer> => Buffer.from(await (await openBucket(direct).get(key)).bytes());
  afterAll(() => server.stop(), 60_000);
  beforeAll(() => makeBucket(server.endpoint, 'resumable'));

  describe('content in chunks', () => {
    it('of every length around the unit is whole, from memory and as a stream of odd pieces', async () => {
      for (const size of [UNIT, UNIT + 1, 2 * UNIT - 1, 2 * UNIT, 2 * UNIT + 1, 3 * UNIT + 7]) {
        const bytes = content(size);
        const info = await direct.put(`memory-${size}`, bytes, {});
        expect(info).toMatchObject({ size });
        expect((await read(`memory-${size}`)).equals(bytes)).toBe(true);
        await direct.put(`stream-${size}`, stream(bytes, 100_003), {});
        expect((await read(`stream-${size}`)).equals(bytes)).toBe(true);
      }
    });

    const faults: Readonly<Record<string, Misbehave>> = {
      'is answered with 503': (incoming, answer) => {
        incoming.resume().once('end', () => jsonError(answer, 503, 'backendError'));
        return true;
      },
      'is reset before it arrives': (incoming) => {
        incoming.socket.destroy();
        return true;
      },
      'arrives and its answer is lost': (incoming, answer) => {
        pass(incoming, answer, server.endpoint, (response) => {
          response.resume().once('end', () => answer.destroy());
          return true;
        });
        return true;
      },
      'arrives and is answered with 500': (incoming, answer) => {
        pass(incoming, answer, server.endpoint, (response) => {
          response.resume().once('end', () => jsonError(answer, 500, 'internalError'));
          return true;
        });
        return true;
      },
    };
    for (const [how, misbehave] of Object.entries(faults)) {
      it(`goes on where the service says when a chunk ${how}`, async () => {
        const bytes = content(4 * UNIT + 99);
        await using proxy = await faultServer(nth(2, isChunk, misbehave), server.endpoint);
        await open(proxy.endpoint).put(`middle ${how}`, stream(bytes, 70_001), { if: 'absent' });
        expect((await read(`middle ${how}`)).equals(bytes)).toBe(true);
        const chunks = proxy.seen.filter((line) => line.startsWith('PUT'));
        // Five chunks; the one that failed, and the question, at most.
        expect(chunks.length).toBeLessThanOrEqual(7);
      });

      it(`finds the object when the last chunk ${how}, also with a condition`, async () => {
        const bytes = content(2 * UNIT + 5);
        await using proxy = await faultServer(nth(1, isLast, misbehave), server.endpoint);
        const info = await open(proxy.endpoint).put(`last ${how}`, bytes, { if: 'absent' });
        expect(info.size).toBe(bytes.byteLength);
        expect(info.revision).toEqual((await direct.head(`last ${how}`, {})).revision);
        expect((await read(`last ${how}`)).equals(bytes)).toBe(true);
      });
    }

    it('that the service holds otherwise than it was sent is refused by its checksum, and leaves the old object', async () => {
      await direct.put('flipped', Buffer.from('old'), {});
      await using proxy = await faultServer(
        nth(2, isChunk, (incoming, answer) => {
          // One bit of the second chunk changes on its way.
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.once('end', () => {
            const bytes = Buffer.concat(chunks);
            bytes[100] = (bytes[100] ?? 0) ^ 1;
            void fetch(server.endpoint + incoming.url, {
              method: 'PUT',
              body: bytes,
              headers: { 'content-range': String(incoming.headers['content-range']) },
              redirect: 'manual',
            }).then((response) => answer.writeHead(response.status, { range: response.headers.get('range') ?? '' }).end());
          });
          return true;
        }),
        server.endpoint,
      );
      await expect(open(proxy.endpoint).put('flipped', content(3 * UNIT), {})).rejects.toMatchObject({ code: 'ChecksumMismatch' });
      expect((await read('flipped')).toString()).toBe('old');
    });

    it('with a wrong crc32c of the caller is refused before its end', async () => {
      await expect(direct.put('wrong', content(3 * UNIT), { checksum: { crc32c: 'AAAAAA==' } })).rejects.toMatchObject({
        code: 'ChecksumMismatch',
        retryable: false,
      });
      await expect(direct.head('wrong', {})).rejects.toMatchObject({ code: 'NotFound' });
    });

    it('whose condition fails at its end, because another writer came between, changes nothing', async () => {
      await using proxy = await faultServer(
        nth(1, isLast, async (incoming, answer) => {
          await direct.put('raced', Buffer.from('theirs'), {});
          pass(incoming, answer, server.endpoint);
          return true;
        }),
        server.endpoint,
      );
      await expect(open(proxy.endpoint).put('raced', content(3 * UNIT), { if: 'absent' })).rejects.toMatchObject({ code: 'AlreadyExists' });
      expect((await read('raced')).toString()).toBe('theirs');
    });

    it('that fails ends its session, and tells its URI in no error', async () => {
      await using proxy = await faultServer(
        (incoming, answer) =>
          isChunk(incoming.method ?? '', incoming.url ?? '', String(incoming.headers['content-range'])) &&
          jsonError(answer, 403, 'forbidden', {}, `denied for ${incoming.url}`),
        server.endpoint,
      );
      const error: unknown = await open(proxy.endpoint)
        .put('denied', content(3 * UNIT), {})
        .catch((e: unknown) => e);
      expect(isStorageError(error, 'AccessDenied')).toBe(true);
      const id = /upload_id=([\w-]+)/.exec(proxy.seen.join('\n'))?.[1] ?? 'none';
      expect(id.length).toBeGreaterThan(10);
      expect((error as Error).message + JSON.stringify(error) + (error as Error).stack).not.toContain(id);
      expect(proxy.seen.some((line) => line.startsWith('DELETE') && line.includes(id))).toBe(true);
    });

    it('begins again when its beginning is refused for a while', async () => {
      let refused = 0;
      await using proxy = await faultServer(
        (incoming, answer) => incoming.url?.includes('uploadType=resumable') === true && refused++ < 2 && jsonError(answer, 503, 'backendError'),
        server.endpoint,
      );
      const bytes = content(2 * UNIT + 1);
      await open(proxy.endpoint).put('begun thrice', stream(bytes, 90_000), {});
      expect((await read('begun thrice')).equals(bytes)).toBe(true);
    });

    it('is not sent to another host than the endpoint', async () => {
      await using proxy = await faultServer((incoming, answer) => {
        if (incoming.url?.includes('uploadType=resumable') !== true) return false;
        incoming.resume();
        answer.writeHead(200, { location: 'http://127.0.0.1:1/upload?upload_id=x', 'content-length': 0 }).end();
        return true;
      }, server.endpoint);
      await expect(open(proxy.endpoint).put('elsewhere', content(3 * UNIT), {})).rejects.toThrow(/another host than its own/);
    });
  });
}
