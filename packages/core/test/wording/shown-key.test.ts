import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { ATTEMPT_CHANNEL, memoryDriver, openBucket, StorageError } from '../../src/index.ts';
import { shownKey } from '../../src/wording/shown-key.ts';

it.each([
  ['a/b?c#d', 'a/b?c#d'],
  ['https://h/a%20b.jpg', 'https://h/a%20b.jpg'],
  ['https://h/a?X-Amz-Signature=SECRET', 'https://h/a?…'],
  ['HTTPS://h?sig=SECRET#x', 'HTTPS://h?…'],
  ['http://h/a#SECRET', 'http://h/a#…'],
  ['https://user:SECRET@h/a', 'https://…@h/a'],
  ['https://user:SECRET@x@h/a?b', 'https://…@h/a?…'],
  ['https://h/a@b', 'https://h/a@b'],
])('%s is shown as %s', (key, shown) => {
  expect(shownKey(key)).toBe(shown);
});

it('no error and no event of a bucket holds the query of a key that is a URL', async () => {
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  subscribe(ATTEMPT_CHANNEL, listen);
  try {
    const bucket = openBucket(memoryDriver());
    const key = 'https://h/a?X-Amz-Signature=SECRET';
    await bucket.put(key, 'abc');
    const object = await bucket.get(key);
    await object.text();
    const failures = [
      () => object.text(),
      async () => (await bucket.get(key)).bytes(1),
      () => bucket.get(key, { ifMatch: { etag: 'x' } }),
      () => bucket.head(`${key}/../x`),
      () => bucket.put(key, 'x', { if: 'absent' }),
      () => bucket.put(key, 'x', { size: 2 }),
      () => bucket.put(key, 'x', { checksum: { md5: 'AAAAAAAAAAAAAAAAAAAAAA==' } }),
    ];
    for (const fails of failures) {
      const error: unknown = await fails().then(
        () => 'it did not fail',
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(StorageError);
      expect(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)).not.toContain('SECRET');
      expect((error as StorageError).key?.startsWith('https://h/a?…')).toBe(true);
    }
    expect(events.length).toBeGreaterThan(3);
    expect(JSON.stringify(events)).not.toContain('SECRET');
  } finally {
    unsubscribe(ATTEMPT_CHANNEL, listen);
  }
});
