import { expect, test } from 'vitest';
import { delegate, memoryDriver, openBucket, type Upload } from '@stowage/core';

const capabilities = {
  ...memoryDriver().capabilities,
  put: { absent: 'native', match: 'native', conditionalMultipart: false },
  multipart: { minPart: 0, maxPart: 10, maxParts: 3, equalParts: false, abort: 'explicit' },
} as const;

function upload(): Promise<Upload> {
  return openBucket(delegate(memoryDriver(), { capabilities })).upload('a');
}

test.each([-1, 3, 1.5, Number.NaN])('part %s is refused before any request', async (index) => {
  await expect((await upload()).part(index, new Uint8Array(1))).rejects.toMatchObject({ code: 'InvalidArgument', operation: 'part', key: 'a' });
});

test('a part that is too large is refused', async () => {
  await expect((await upload()).part(0, new Uint8Array(11))).rejects.toMatchObject({ code: 'InvalidArgument' });
});

test('a completion with a condition that the store cannot keep is Unsupported, and one with a gap InvalidArgument', async () => {
  const begun = await upload();
  const part = await begun.part(1, new Uint8Array(1));
  await expect(begun.complete([part], { if: 'absent' })).rejects.toMatchObject({ code: 'InvalidArgument' });
  await expect(begun.complete([await begun.part(0, new Uint8Array(1)), part], { if: 'absent' })).rejects.toMatchObject({ code: 'Unsupported' });
});

test('a body that is shorter or longer than announced is Unavailable', async () => {
  const driver = memoryDriver();
  await driver.put('a', new Uint8Array(10), {});
  for (const size of [9, 11]) {
    const bucket = openBucket(
      delegate(driver, {
        get: async (key, o) => ({
          ...(await driver.get(key, o)),
          close: () => Promise.resolve(),
          body: (async function* (): AsyncGenerator<Uint8Array> {
            yield new Uint8Array(size);
          })(),
        }),
      }),
    );
    await expect((await bucket.get('a', { verify: false })).bytes()).rejects.toMatchObject({ code: 'Unavailable' });
  }
});

test('a copy of a key that the source cannot hold is InvalidKey', async () => {
  await expect(openBucket(memoryDriver()).copy('k'.repeat(1025), 'b')).rejects.toMatchObject({ code: 'InvalidKey' });
});
