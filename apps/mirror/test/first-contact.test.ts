import { type BucketDriver, delegate, memoryDriver, openBucket, retryLayer, StorageError } from '@stowage/core';
import { expect, it } from 'vitest';
import { firstContact } from '../src/first-contact.ts';

const noWait = { wait: (): Promise<void> => Promise.resolve() };

/** A store that answers each `head` as the list says, then well. */
function flaky(answers: (StorageError | 'well')[]): { readonly driver: BucketDriver; readonly asked: () => number } {
  const driver = memoryDriver({ bucket: 'b' });
  let asked = 0;
  const answer = (): void => {
    asked++;
    const next = answers.shift() ?? 'well';
    if (next !== 'well') throw next;
  };
  const told = delegate(driver, {
    head: (key, o) => {
      answer();
      return driver.head(key, o);
    },
    async *list(o) {
      answer();
      yield* driver.list(o);
    },
  });
  return { driver: told, asked: () => asked };
}

const lost = (): StorageError => new StorageError('Unavailable', 'nobody there');
const busy = (): StorageError => new StorageError('Unavailable', 'busy', { status: 503 });

it.each<[string, (StorageError | 'well')[], number, boolean]>([
  ['a store that is never met is given up after two attempts', [lost(), lost(), lost(), lost()], 2, false],
  ['one slip is forgiven', [lost()], 2, true],
  ['a refusal is an answer: from then on there are four attempts', [busy(), lost(), lost()], 4, true],
  ['and no more', [busy(), lost(), lost(), lost()], 4, false],
])('%s', async (_, answers, asked, works) => {
  for (const run of [
    (bucket: ReturnType<typeof openBucket>) => bucket.exists('k'),
    (bucket: ReturnType<typeof openBucket>) => Array.fromAsync(bucket.list()),
  ]) {
    const store = flaky([...answers]);
    const bucket = openBucket(store.driver, { layers: [firstContact(), retryLayer(noWait)] });
    if (works) await run(bucket);
    else await expect(run(bucket)).rejects.toMatchObject({ code: 'Unavailable' });
    expect(store.asked()).toBe(asked);
  }
});

it('a store that was met is tried as often as ever', async () => {
  const store = flaky(['well', lost(), lost(), lost()]);
  const bucket = openBucket(store.driver, { layers: [firstContact(), retryLayer(noWait)] });
  await bucket.exists('k');
  await bucket.exists('k');
  expect(store.asked()).toBe(5);
});
