import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { faultLayer, memoryDriver, openBucket } from '@stowage/core';
import { abortableStream } from '../src/abortable-stream.ts';

async function* stalling(left: string[]): AsyncGenerator<Uint8Array> {
  try {
    yield new Uint8Array(3);
    await new Promise(() => undefined);
  } finally {
    left.push('left');
  }
}

test('a stream that stalls ends with the reason of the abort, and leaves no listener', async () => {
  const abort = new AbortController();
  const reason = { why: 'enough' };
  const read = async (): Promise<void> => {
    for await (const chunk of abortableStream(stalling([]), abort.signal)) {
      expect(chunk).toHaveLength(3);
      setImmediate(() => abort.abort(reason));
    }
  };
  await expect(read()).rejects.toBe(reason);
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
});

test('leaving the loop early leaves the source', async () => {
  const left: string[] = [];
  for await (const chunk of abortableStream(stalling(left), new AbortController().signal)) if (chunk.byteLength > 0) break;
  await new Promise(setImmediate);
  expect(left).toEqual(['left']);
});

test('an error of the source comes through', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    throw new RangeError('broken');
  }
  const read = async (): Promise<void> => {
    for await (const chunk of abortableStream(broken(), new AbortController().signal)) expect(chunk).toHaveLength(1);
  };
  await expect(read()).rejects.toThrow(new RangeError('broken'));
});

test('a put that times out gives up on its stalled source', async () => {
  const driver = memoryDriver();
  const aborted: unknown[] = [];
  const bucket = openBucket({
    ...driver,
    capabilities: driver.capabilities,
    checkKey: () => undefined,
    put: async (_key, body): Promise<never> => {
      try {
        for await (const chunk of body as AsyncIterable<Uint8Array>) expect(chunk).toHaveLength(3);
      } catch (error) {
        aborted.push(error);
      }
      throw new Error('never told: the call is over by then');
    },
  });
  await expect(bucket.put('a', stalling([]), { timeoutMs: 10 })).rejects.toMatchObject({ code: 'Timeout' });
  await new Promise(setImmediate);
  expect(aborted).toEqual([expect.objectContaining({ code: 'Timeout' })]);
});

test('a listing that times out is not waited for', async () => {
  const bucket = openBucket(memoryDriver(), { layers: [faultLayer([{ operation: 'list', hang: true }])] });
  await expect(bucket.listPage({ timeoutMs: 10 })).rejects.toMatchObject({ code: 'Timeout' });
});
