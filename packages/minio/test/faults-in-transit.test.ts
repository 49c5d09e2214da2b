import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Bucket, openBucket, retryLayer } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { faultServer, type FaultServer, type Misbehave, pass, xmlError } from './faults/fault-server.ts';

const MIB = 1024 * 1024;
const { server, missing } = await serverOrReason(() => startMinio({ buckets: ['transit-lean', 'transit-sdk'] }));

/** So many bytes that no two places look alike. */
function content(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE(Math.imul(i + seed, 2654435761) >>> 0, i);
  return bytes;
}

/** The first so many requests that match go wrong so; all others pass. */
function first(count: number, matches: (method: string, url: string) => boolean, misbehave: Misbehave): Misbehave & { left(): number } {
  let left = count;
  const some: Misbehave = (incoming, answer) => {
    if (left <= 0 || !matches(incoming.method ?? '', incoming.url ?? '')) return false;
    left--;
    return misbehave(incoming, answer);
  };
  return Object.assign(some, { left: () => left });
}

/** Answers when the request has come in whole: before that, a client may still be writing. */
function afterBody(then: (incoming: IncomingMessage, answer: ServerResponse) => unknown): Misbehave {
  return (incoming, answer) => {
    incoming.once('end', () => void then(incoming, answer)).resume();
    return true;
  };
}

const isListing = (method: string, url: string): boolean => method === 'GET' && url.includes('list-type=2');
const isRead = (method: string, url: string): boolean => method === 'GET' && !url.includes('list-type=2');
const isPut = (method: string): boolean => method === 'PUT';
const isPart = (method: string, url: string): boolean => method === 'PUT' && url.includes('partNumber=');

if (server === undefined) test('faults between client and store', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);

  describe.each(['lean', 'sdk'] as const)('through %s', (transport) => {
    const name = `transit-${transport}`;
    const open = (endpoint: string, more: Partial<MinioOptions> = {}): Bucket =>
      openBucket(
        minioDriver(
          { endpoint, credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey }, store: 'minio', transport, ...more },
          name,
        ),
      );
    const direct = open(server.endpoint);
    const read = async (bucket: Bucket, key: string): Promise<Buffer> => Buffer.from(await (await bucket.get(key)).bytes());
    /** A bucket behind the faults whose retries do not wait, and the times that they would have waited. */
    const repeated = (faults: FaultServer, more: Partial<MinioOptions> = {}): { bucket: Bucket; waited: number[] } => {
      const waited: number[] = [];
      const wait = async (ms: number): Promise<void> => void waited.push(ms);
      return { bucket: open(faults.endpoint, more).with(retryLayer({ attempts: 5, wait })), waited };
    };
    const unfinished = async (): Promise<number> => {
      let count = 0;
      for await (const _ of direct.listUploads()) count++;
      return count;
    };

    it('a burst of 503 with Retry-After: reads, writes, listings and deletions wait as long as asked, and are whole', async () => {
      await direct.put('burst/held', content(300_000));
      for (const work of [
        async (bucket: Bucket): Promise<void> => {
          expect((await read(bucket, 'burst/held')).equals(content(300_000))).toBe(true);
        },
        async (bucket: Bucket): Promise<void> => {
          await bucket.put('burst/new', content(70_000, 2));
          expect((await read(direct, 'burst/new')).equals(content(70_000, 2))).toBe(true);
        },
        async (bucket: Bucket): Promise<void> => {
          const keys: string[] = [];
          for await (const { key } of bucket.list({ prefix: 'burst/' })) keys.push(key);
          expect(keys).toEqual(['burst/held', 'burst/new']);
        },
        async (bucket: Bucket): Promise<void> => {
          expect((await bucket.head('burst/held')).size).toBe(300_000);
        },
        async (bucket: Bucket): Promise<void> => {
          await bucket.delete('burst/new');
          expect(await direct.exists('burst/new')).toBe(false);
        },
      ]) {
        const burst = first(
          3,
          () => true,
          afterBody((_incoming, answer) => xmlError(answer, 503, 'SlowDown', { 'retry-after': '7' })),
        );
        await using faults = await faultServer(burst, server.endpoint);
        const { bucket, waited } = repeated(faults);
        await work(bucket);
        expect(burst.left()).toBe(0);
        // Looks before a write wait together: two of them may take a fault each.
        expect(waited.length).toBeGreaterThanOrEqual(2);
        expect(Math.min(...waited)).toBeGreaterThanOrEqual(7000);
      }
    });

    it('a connection that is reset while content goes up: the old object stays, and a repetition is whole', async () => {
      await direct.put('reset', 'old');
      const reset: Misbehave = (incoming) => {
        let got = 0;
        incoming.on('data', (chunk: Buffer) => {
          got += chunk.byteLength;
          if (got > 500_000) incoming.socket.resetAndDestroy();
        });
        return true;
      };
      const once = first(1, isPut, reset);
      await using faults = await faultServer(once, server.endpoint);
      await expect(open(faults.endpoint).put('reset', content(4 * MIB))).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
      expect((await read(direct, 'reset')).toString()).toBe('old');

      const twice = first(2, isPut, reset);
      await using more = await faultServer(twice, server.endpoint);
      await repeated(more).bucket.put('reset', content(4 * MIB));
      expect(twice.left()).toBe(0);
      expect((await read(direct, 'reset')).equals(content(4 * MIB))).toBe(true);
    });

    it('parts that are reset in their middle, or answered with 503 and Retry-After, are sent again, each whole and once in its place', async () => {
      let count = 0;
      await using faults = await faultServer((incoming, answer) => {
        if (!isPart(incoming.method ?? '', incoming.url ?? '') || ++count > 4) return false;
        if (count % 2 === 0) return afterBody((_incoming, later) => xmlError(later, 503, 'SlowDown', { 'retry-after': '0' }))(incoming, answer);
        let got = 0;
        incoming.on('data', (chunk: Buffer) => {
          got += chunk.byteLength;
          if (got > MIB) incoming.socket.resetAndDestroy();
        });
        return true;
      }, server.endpoint);
      const whole = content(22 * MIB + 3);
      await open(faults.endpoint, { partSize: 5 * MIB }).put('parts', whole);
      expect(count).toBeGreaterThan(8);
      expect((await read(direct, 'parts')).equals(whole)).toBe(true);
    });

    it('a body that stalls is Timeout, and goes on at its byte in a repetition', async () => {
      const whole = content(3 * MIB);
      await direct.put('stalled', whole);
      const stall = first(2, isRead, (incoming, answer) => {
        pass(incoming, answer, server.endpoint, (response) => {
          answer.writeHead(response.statusCode ?? 500, response.headers);
          response.once('data', (chunk: Buffer) => {
            answer.write(chunk);
            response.pause();
          });
          return true;
        });
        return true;
      });
      await using faults = await faultServer(stall, server.endpoint);
      const short = { silenceMs: 300 };
      await expect(read(open(faults.endpoint, short), 'stalled')).rejects.toMatchObject({ code: 'Timeout', retryable: true });
      expect((await read(repeated(faults, short).bucket, 'stalled')).equals(whole)).toBe(true);
      expect(stall.left()).toBe(0);
    });

    it('a store that takes content and never answers is Timeout, and a repetition is whole', async () => {
      const silent = first(
        1,
        isPut,
        afterBody(() => undefined),
      );
      await using faults = await faultServer(silent, server.endpoint);
      await repeated(faults, { answerTimeoutMs: 300, silenceMs: 300 }).bucket.put('unanswered', content(100_000));
      expect(silent.left()).toBe(0);
      expect((await read(direct, 'unanswered')).equals(content(100_000))).toBe(true);
    });

    it('pages of a listing that are cut off in any way are asked for again, and every key comes once', async () => {
      const keys = Array.from({ length: 25 }, (_, i) => `cut/${String(i).padStart(3, '0')}`);
      await Promise.all(keys.map((key) => direct.put(key, key)));
      let way = 0;
      const cut = first(4, isListing, (incoming, answer) => {
        const how = way++;
        pass(incoming, answer, server.endpoint, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('end', () => {
            const page = Buffer.concat(chunks);
            const part = page.subarray(0, page.byteLength / 2);
            const { 'content-length': _, ...headers } = response.headers;
            // The announced length is not reached; or none is announced; or it is that of the half; or the end of the document is missing.
            if (how === 0) answer.writeHead(200, { ...headers, 'content-length': page.byteLength }).write(part, () => answer.destroy());
            else if (how === 1) answer.writeHead(200, headers).end(part);
            else if (how === 2) answer.writeHead(200, { ...headers, 'content-length': part.byteLength }).end(part);
            else answer.writeHead(200, headers).end(page.subarray(0, page.byteLength - 5));
          });
          return true;
        });
        return true;
      });
      await using faults = await faultServer(cut, server.endpoint);
      const listed: string[] = [];
      for await (const page of repeated(faults).bucket.listPages({ prefix: 'cut/', limit: 10 })) listed.push(...page.objects.map(({ key }) => key));
      expect(listed).toEqual(keys);
      expect(cut.left()).toBe(0);
    });

    it('a range that is answered with all of it, or with another range, is asked for again, and is never torn', async () => {
      const whole = content(MIB);
      const { revision } = await direct.put('ranged', whole);
      const headers = { etag: revision.etag ?? '', 'last-modified': new Date(0).toUTCString() };
      // The header is signed: what changes it is a cache on the way that answers by itself.
      for (const misbehave of [
        (_incoming: IncomingMessage, answer: ServerResponse): true => {
          answer.writeHead(200, { ...headers, 'content-length': whole.byteLength }).end(whole);
          return true;
        },
        (_incoming: IncomingMessage, answer: ServerResponse): true => {
          answer.writeHead(206, { ...headers, 'content-length': 100, 'content-range': `bytes 0-99/${whole.byteLength}` }).end(whole.subarray(0, 100));
          return true;
        },
        (_incoming: IncomingMessage, answer: ServerResponse): true => {
          answer.writeHead(206, { ...headers, 'content-length': 90, 'content-range': `bytes 5000-5089/${whole.byteLength}` }).end(whole.subarray(5000, 5090));
          return true;
        },
      ]) {
        const changed = first(3, isRead, misbehave);
        await using faults = await faultServer(changed, server.endpoint);
        const range = { start: 5000, end: 5100 };
        await expect(open(faults.endpoint).get('ranged', { range })).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
        const got = await (await repeated(faults).bucket.get('ranged', { range })).bytes();
        expect(changed.left()).toBe(0);
        expect(Buffer.from(got).equals(whole.subarray(5000, 5100))).toBe(true);
      }
    });

    it('a completion that is answered with 500, 503 or an error in its 200 leaves nothing half-done', async () => {
      await direct.put('completed', 'old');
      for (const [status, code] of [
        [500, 'InternalError'],
        [503, 'SlowDown'],
        [200, 'InternalError'],
      ] as const) {
        const broken = first(
          1,
          (method, url) => method === 'POST' && url.includes('uploadId='),
          afterBody((_incoming, answer) => xmlError(answer, status, code)),
        );
        await using faults = await faultServer(broken, server.endpoint);
        const { bucket } = repeated(faults, { partSize: 5 * MIB });
        await bucket.put('completed', content(6 * MIB, status));
        expect(broken.left()).toBe(0);
        expect((await read(direct, 'completed')).equals(content(6 * MIB, status))).toBe(true);
        expect(await unfinished()).toBe(0);
      }
    });
  });
}
