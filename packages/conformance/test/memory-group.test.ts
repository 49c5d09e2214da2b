import { AssertionError } from 'node:assert/strict';
import { type BucketDriver, type DriverObject, delegate, type Layer, memoryDriver, type ObjectInfo, resolveRange } from '@stowage/core';
import { conformanceCases, type ConformanceCase, type Harness, runCase } from '@stowage/conformance';
import { expect, test } from 'vitest';

const MiB = 1024 * 1024;

/** A store that keeps of its objects their first megabyte and their size, and gives that megabyte over and over: nothing of it grows. */
const repeating: Layer = (inner) => {
  const sizes = new Map<string, number>();
  return delegate(inner, {
    async put(key, body, o): Promise<ObjectInfo> {
      let first: Uint8Array | undefined;
      let size = 0;
      for await (const chunk of body instanceof Uint8Array ? [body] : body) {
        first ??= chunk.slice(0, MiB);
        size += chunk.byteLength;
      }
      sizes.set(key, size);
      return { ...(await inner.put(key, first ?? new Uint8Array(), o)), size };
    },
    async get(key, o): Promise<DriverObject> {
      const object = await inner.get(key, {});
      const block = Buffer.concat(await Array.fromAsync(object.body));
      const size = sizes.get(key) ?? block.byteLength;
      const range = resolveRange(o.range, size);
      async function* body(): AsyncIterable<Uint8Array> {
        for (let at = range.start; at < range.end; at += MiB) yield Uint8Array.from(block.subarray(0, Math.min(MiB, range.end - at)));
      }
      return { info: { ...object.info, size, checksums: {} }, range, body: body(), close: () => object.close() };
    },
  });
};

/** All of the content is in memory before the first byte goes on. */
const buffering: Layer = (inner) =>
  delegate(inner, {
    async put(key, body, o): Promise<ObjectInfo> {
      const chunks = body instanceof Uint8Array ? [body] : await Array.fromAsync(body);
      return inner.put(
        key,
        (async function* (): AsyncIterable<Uint8Array> {
          yield* chunks;
        })(),
        o,
      );
    },
    async get(key, o): Promise<DriverObject> {
      const object = await inner.get(key, o);
      const chunks = await Array.fromAsync(object.body);
      return {
        ...object,
        body: (async function* (): AsyncIterable<Uint8Array> {
          yield* chunks;
        })(),
        close: () => object.close(),
      };
    },
  });

/** Each chunk is raced against one promise of the abort, which keeps the outcomes of all races. */
const racing: Layer = (inner) =>
  delegate(inner, {
    put(key, body, o): Promise<ObjectInfo> {
      const aborted = Promise.withResolvers<never>();
      o.signal?.addEventListener('abort', () => aborted.reject(o.signal?.reason));
      async function* raced(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
        const iterator = chunks[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([iterator.next(), aborted.promise]);
          if (next.done === true) return;
          yield next.value;
        }
      }
      return inner.put(key, body instanceof Uint8Array ? body : raced(body), o);
    },
  });

function harness(...layers: Layer[]): Harness {
  const open = (): BucketDriver => layers.reduce((inner, layer) => layer(inner), memoryDriver());
  return { capabilities: open().capabilities, makeBucket: open, memory: {} };
}

const MEMORY_CASES = conformanceCases().filter(({ group }) => group === 'memory');

test.each(MEMORY_CASES)('a store that streams passes: $name', async (each: ConformanceCase) => {
  await expect(runCase(each, harness(repeating))).resolves.toBeUndefined();
});

test.each(MEMORY_CASES)('a driver that holds everything fails: $name', async (each: ConformanceCase) => {
  await expect(runCase(each, harness(repeating, buffering))).rejects.toBeInstanceOf(AssertionError);
});

test.each(MEMORY_CASES.filter(({ name }) => name.includes('goes up')))(
  'a driver that races every chunk against the abort fails: $name',
  async (each: ConformanceCase) => {
    await expect(runCase(each, harness(repeating, racing))).rejects.toBeInstanceOf(AssertionError);
  },
);
