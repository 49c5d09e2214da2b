import { describe, expect, it } from 'vitest';
import { type Bucket, delegate, faultLayer, memoryDriver, openBucket, type PutOptions, StorageError } from '@stowage/core';

function make(): Bucket {
  return openBucket(memoryDriver());
}

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    return error instanceof StorageError ? error.code : String(error);
  }
}

describe('Bucket', () => {
  it('refuses a bad key before the driver hears of it', async () => {
    const calls: string[] = [];
    const bucket = openBucket(
      delegate(memoryDriver(), {
        head: () => {
          calls.push('head');
          return Promise.reject(new Error('called'));
        },
      }),
    );
    for (const key of ['', '..', 'a/../b', 'a\0', '\u{D800}', 'x'.repeat(1025)]) expect(await code(bucket.head(key))).toBe('InvalidKey');
    expect(calls).toEqual([]);
  });

  it('names operation, provider, bucket and key of every failure', async () => {
    await expect(make().get('nothing')).rejects.toMatchObject({ code: 'NotFound', operation: 'get', provider: 'memory', bucket: 'memory', key: 'nothing' });
  });

  it('wraps what a driver or a content stream throws, with the cause', async () => {
    const cause = new Error('the pipe broke');
    // oxlint-disable-next-line require-yield -- a source that fails before its first chunk
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      throw cause;
    };
    await expect(make().put('a', failing())).rejects.toMatchObject({ name: 'StorageError', code: 'Unknown', message: 'the pipe broke', cause });
  });

  it('copies several batches at once, and one that fails hides no other', async () => {
    const inner = memoryDriver();
    let [under, most] = [0, 0];
    const bucket = openBucket(
      delegate(inner, {
        capabilities: { ...inner.capabilities, copyBatch: 1 },
        async copyMany(items, o) {
          most = Math.max(most, (under += 1));
          await new Promise((resolve) => setImmediate(resolve));
          under -= 1;
          if (items[0]?.to === 'b7') throw new StorageError('Timeout', 'too slow');
          return inner.copyMany(items, o);
        },
      }),
    );
    await bucket.put('a', 'x');
    const copies = Array.from({ length: 40 }, (_, i) => ({ from: inner.copySource('a'), to: `b${i}` }));
    const outcomes = await bucket.copyMany(copies);
    expect(outcomes.map(({ key, ok }) => ({ key, ok }))).toEqual(copies.map(({ to }) => ({ key: to, ok: to !== 'b7' })));
    expect(most).toBe(16);
    // Nothing is known of any: the call itself fails.
    await expect(bucket.copyMany(copies.filter(({ to }) => to === 'b7'))).rejects.toMatchObject({ code: 'Timeout' });
  });

  it('rethrows the reason of an abort untouched', async () => {
    const reason = new Error('enough');
    await expect(make().head('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const bucket = make().with(faultLayer([{ operation: 'head', hang: true }]));
    const controller = new AbortController();
    const head = bucket.head('a', { signal: controller.signal });
    controller.abort(reason);
    await expect(head).rejects.toBe(reason);
  });

  it.each<[string, PutOptions, string]>([
    ['a revision that is none', { if: {} }, 'InvalidArgument'],
    ['metadata names that are no header names', { metadata: { 'a b': 'x' } }, 'InvalidArgument'],
    ['metadata names that differ by case only', { metadata: { a: '1', A: '2' } }, 'InvalidArgument'],
    ['a checksum that nobody can compare', { checksum: { crc64nvme: 'AAAA' } }, 'Unsupported'],
    ['a size that is not the content’s', { size: 3 }, 'InvalidArgument'],
    ['a checksum that is not the content’s', { checksum: { crc32: 'AAAAAA==' } }, 'ChecksumMismatch'],
  ])('refuses %s, and leaves the old object', async (_name, options, expected) => {
    const bucket = make();
    await bucket.put('a', 'old');
    expect(await code(bucket.put('a', 'newer', options))).toBe(expected);
    expect(await (await bucket.get('a')).text()).toBe('old');
  });

  it('gives a refused item of deleteMany its own outcome, in its place', async () => {
    const bucket = make();
    await bucket.put('a', '1');
    const outcomes = await Array.fromAsync(bucket.deleteMany(['missing', '../x', 'a']));
    expect(outcomes.map(({ key, ok }) => [key, ok])).toEqual([
      ['missing', true],
      ['../x', false],
      ['a', true],
    ]);
    expect(await bucket.exists('a')).toBe(false);
  });

  it('reads ranges of one revision by few requests', async () => {
    const bucket = make();
    await bucket.put('a', 'abcdefghij');
    const texts = (await bucket.getRanges('a', [{ suffix: 2 }, { start: 0, end: 2 }, { start: 1, end: 4 }], { coalesceGap: 0 })).map((bytes) =>
      Buffer.from(bytes).toString(),
    );
    expect(texts).toEqual(['ij', 'ab', 'bcd']);
  });

  it('moves an object with its headers', async () => {
    const bucket = make();
    await bucket.put('a', 'x', { contentType: 'text/plain', metadata: { Who: 'me' } });
    expect((await bucket.move('a', 'b')).headers).toEqual({ contentType: 'text/plain', metadata: { who: 'me' } });
    expect(await bucket.exists('a')).toBe(false);
  });

  it('says which options a store lacks, before any request', async () => {
    const plain = memoryDriver();
    const bucket = openBucket(
      delegate(plain, { capabilities: { ...plain.capabilities, tags: false, setHeaders: false, list: { ...plain.capabilities.list, delimiter: '/' } } }),
    );
    expect(await code(bucket.put('a', '', { tags: { a: 'b' } }))).toBe('Unsupported');
    expect(await code(bucket.setHeaders('a', {}))).toBe('Unsupported');
    expect(await code(bucket.listPage({ delimiter: '-' }))).toBe('Unsupported');
    expect(await code(bucket.presign('a', { method: 'GET', expiresInSeconds: 60 }))).toBe('Unsupported');
    expect(await code(bucket.head('a', { version: '1' }))).toBe('Unsupported');
  });

  it('throws from list where objects may be hidden, and tells them in listPages', async () => {
    const plain = memoryDriver();
    const issue = { key: 'locked/', kind: 'unreadable', message: 'locked/: permission denied' } as const;
    const bucket = openBucket(
      delegate(plain, {
        async *list() {
          yield { objects: [], prefixes: [], issues: [issue] };
        },
      }),
    );
    expect(await code(Array.fromAsync(bucket.list()))).toBe('AccessDenied');
    expect((await bucket.listPage()).issues).toEqual([issue]);
  });
});

describe('StoredObject', () => {
  it('can be read once', async () => {
    const bucket = make();
    await bucket.put('a', 'x');
    const object = await bucket.get('a');
    await object.text();
    expect(await code(object.text())).toBe('InvalidArgument');
  });

  it('closes the driver’s object: read, half read, unread', async () => {
    let closed = 0;
    const plain = memoryDriver();
    const bucket = openBucket(
      delegate(plain, {
        async get(key, o) {
          const object = await plain.get(key, o);
          return {
            ...object,
            close: () => {
              closed++;
              return object.close();
            },
          };
        },
      }),
    );
    await bucket.put('a', 'x'.repeat(200_000));
    await (await bucket.get('a')).bytes();
    expect(closed).toBe(1);
    for await (const chunk of await bucket.get('a')) if (chunk.length > 0) break;
    expect(closed).toBe(2);
    {
      await using unread = await bucket.get('a');
      expect(unread.info.size).toBe(200_000);
    }
    expect(closed).toBe(3);
    expect(await code((await bucket.get('a')).bytes(10))).toBe('InvalidArgument');
    expect(closed).toBe(4);
  });

  it('compares whole content with the store’s checksum, unless told not to', async () => {
    const plain = memoryDriver();
    const bucket = openBucket(
      delegate(plain, {
        async get(key, o) {
          const object = await plain.get(key, o);
          return { ...object, info: { ...object.info, checksums: { crc32: 'AAAAAA==' } } };
        },
      }),
    );
    await bucket.put('a', 'abc');
    expect(await code((await bucket.get('a')).bytes())).toBe('ChecksumMismatch');
    expect(await code((await bucket.get('a', { verify: false })).bytes())).toBe('ok');
    expect(await code((await bucket.get('a', { range: { start: 1 } })).bytes())).toBe('ok');
  });

  it('comes as text, JSON, a Node stream and a web stream', async () => {
    const bucket = make();
    await bucket.put('a', '{"ä":1}');
    expect(await (await bucket.get('a')).json()).toEqual({ ä: 1 });
    expect(await new Response((await bucket.get('a')).toWeb()).text()).toBe('{"ä":1}');
    const chunks: Buffer[] = [];
    for await (const chunk of (await bucket.get('a')).toNode()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('{"ä":1}');
  });
});
