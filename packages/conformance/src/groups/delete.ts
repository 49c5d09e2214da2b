import type { Bucket, DeleteItem, DeleteOutcome } from '@stowage/core';
import { expectContent, expectNothing, listedKeys } from '../bucket-state.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { expectCode, expectNames, fail, told } from '../expectations.ts';
import { lacks, nestedKeys, supports, writable } from '../needs.ts';

const KEY = 'delete/object';
const deleteIf = supports('deleteIf', ({ deleteIf: of }) => of);

async function deleteAll(bucket: Bucket, items: Iterable<string | DeleteItem> | AsyncIterable<string | DeleteItem>): Promise<DeleteOutcome[]> {
  const outcomes: DeleteOutcome[] = [];
  for await (const outcome of bucket.deleteMany(items)) outcomes.push(outcome);
  return outcomes;
}

/** One outcome per key, in order; all ok but the ones named. */
function expectOutcomes(outcomes: readonly DeleteOutcome[], keys: readonly string[], refused: Readonly<Record<string, string>>, what: string): void {
  expectNames(
    outcomes.map(({ key }) => key),
    keys,
    `${what}: the keys of the outcomes`,
  );
  for (const outcome of outcomes) {
    const code = refused[outcome.key];
    if (outcome.ok && code !== undefined) fail(`${what}: expected ${JSON.stringify(outcome.key)} to be refused with ${code}; its outcome is ok`);
    if (!outcome.ok && outcome.error.code !== code)
      fail(`${what}: ${JSON.stringify(outcome.key)}: expected ${code ?? 'ok'}, got ${told(outcome.error)}`, outcome.error.code, code);
  }
}

export const deleteCases: readonly ConformanceCase[] = casesOf(
  'delete',
  [writable],
  [
    {
      name: 'a deleted object is gone, and can be written anew',
      async run({ bucket }) {
        await bucket.put(KEY, 'first', { contentType: 'text/x-first' });
        await bucket.delete(KEY);
        await expectNothing(bucket, KEY, 'the deleted object');
        if (await bucket.exists(KEY)) fail('expected exists() to be false after a deletion');
        await expectCode(bucket.get(KEY), 'NotFound', 'get after a deletion');
        await bucket.put(KEY, 'second');
        await expectContent(bucket, KEY, Buffer.from('second'), 'the object written anew');
        if ((await bucket.head(KEY)).headers?.contentType === 'text/x-first')
          fail('expected the object written anew to have nothing of the deleted one; it has its content type');
      },
    },
    {
      name: 'deleting a missing key succeeds',
      async run({ bucket }) {
        for (const key of [KEY, 'delete/no/such/folder/x', `${KEY}/`]) {
          if (bucket.checkKey(key) !== undefined) continue;
          try {
            await bucket.delete(key);
            await bucket.delete(key);
          } catch (error) {
            fail(`expected the deletion of the missing key ${key} to succeed; got ${told(error)}`);
          }
        }
        expectOutcomes(await deleteAll(bucket, [KEY, 'delete/other']), [KEY, 'delete/other'], {}, 'deleteMany of missing keys');
      },
    },
    {
      name: 'a deletion takes that key and nothing that begins like it',
      async run({ bucket }) {
        const others = ['delete/objec', 'delete/object.bak', 'delete/object2', 'delete/other', 'delete/Object'].filter(
          (key) => bucket.capabilities.keys.caseSensitive || key !== 'delete/Object',
        );
        for (const key of [KEY, ...others]) await bucket.put(key, key);
        await bucket.delete(KEY);
        expectNames((await listedKeys(bucket)).sort(), [...others].sort(), 'what is left');
      },
    },
    {
      name: 'deleting what is no object but a common prefix leaves the objects under it',
      async run({ bucket }) {
        await bucket.put('folder/a', 'a');
        await bucket.put('folder/sub/b', 'b');
        for (const key of ['folder', 'folder/', 'folder/sub', 'folder/sub/']) {
          if (bucket.checkKey(key) !== undefined) continue;
          await bucket.delete(key);
          expectNames(await listedKeys(bucket), ['folder/a', 'folder/sub/b'], `after the deletion of ${key}`);
        }
      },
    },
    {
      name: 'deleting an object leaves those beneath its name',
      needs: [nestedKeys],
      async run({ bucket }) {
        for (const key of ['n', 'n/', 'n/a']) await bucket.put(key, key);
        await bucket.delete('n');
        expectNames(await listedKeys(bucket), ['n/', 'n/a'], 'after the deletion of n');
        await bucket.delete('n/');
        expectNames(await listedKeys(bucket), ['n/a'], 'after the deletion of n/');
      },
    },
    {
      name: 'the last object of a common prefix takes the prefix with it',
      async run({ bucket }) {
        for (const key of ['gone/a/b/c', 'gone/a/d', 'stays/a']) await bucket.put(key, key);
        await bucket.delete('gone/a/b/c');
        await bucket.delete('gone/a/d');
        const page = await bucket.listPage({ delimiter: '/' });
        expectNames(page.prefixes, ['stays/'], 'the common prefixes');
        expectNames(
          page.objects.map(({ key }) => key),
          [],
          'the objects',
        );
        // Nothing of the old folders stands in the way of an object.
        await bucket.put('gone', 'now an object');
        await bucket.delete('gone');
        await bucket.put('gone/a', 'a folder again');
        expectNames(await listedKeys(bucket), ['gone/a', 'stays/a'], 'the bucket at the end');
      },
    },
    {
      name: 'of 2,500 in one call with one refused, the others are gone and that one is named',
      async run(c) {
        const keys = Array.from({ length: 2500 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
        await c.seedAll(keys, () => new Uint8Array());
        const asked = [...keys.slice(0, 1200), 'many/../refused', ...keys.slice(1200)];
        expectOutcomes(await deleteAll(c.bucket, asked), asked, { 'many/../refused': 'InvalidKey' }, 'deleteMany of 2,501');
        expectNames(await listedKeys(c.bucket), [], 'what is left');
      },
    },
    {
      name: 'an item that the store refuses stops no other',
      needs: [deleteIf],
      async run({ bucket }) {
        const keys = Array.from({ length: 12 }, (_, i) => `some/${String(i).padStart(2, '0')}`);
        const stale: Record<string, DeleteItem> = {};
        for (const [i, key] of keys.entries()) {
          const { revision } = await bucket.put(key, 'first');
          if (i % 4 !== 1) continue;
          stale[key] = { key, if: revision };
          await bucket.put(key, 'second');
        }
        const outcomes = await deleteAll(
          bucket,
          keys.map((key) => stale[key] ?? key),
        );
        expectOutcomes(outcomes, keys, Object.fromEntries(Object.keys(stale).map((key) => [key, 'PreconditionFailed'])), 'deleteMany with stale conditions');
        expectNames(await listedKeys(bucket), Object.keys(stale), 'what is left');
      },
    },
    {
      name: 'deleteMany gives its outcomes in the order of its items, twins and missing ones among them',
      async run({ bucket }) {
        for (const key of ['c', 'a', 'b']) await bucket.put(key, key);
        const asked = ['c', 'missing', 'a', 'c', 'b', 'a'];
        expectOutcomes(await deleteAll(bucket, asked), asked, {}, 'deleteMany');
        expectNames(await listedKeys(bucket), [], 'what is left');
      },
    },
    {
      name: 'deleteMany takes items from a generator, and none at all',
      async run({ bucket }) {
        for (const key of ['a', 'b']) await bucket.put(key, key);
        async function* items(): AsyncIterable<DeleteItem> {
          yield { key: 'a' };
          yield { key: 'b' };
        }
        expectOutcomes(await deleteAll(bucket, items()), ['a', 'b'], {}, 'deleteMany of a generator');
        expectOutcomes(await deleteAll(bucket, []), [], {}, 'deleteMany of nothing');
        expectNames(await listedKeys(bucket), [], 'what is left');
      },
    },
    {
      name: 'a deletion conditional on a revision takes that and no other',
      needs: [deleteIf],
      async run({ bucket }) {
        const old = await bucket.put(KEY, 'first');
        const now = await bucket.put(KEY, 'second');
        await expectCode(bucket.delete(KEY, { if: old.revision }), 'PreconditionFailed', 'a deletion of a stale revision');
        await expectContent(bucket, KEY, Buffer.from('second'), 'the object');
        await bucket.delete(KEY, { if: now.revision });
        await expectNothing(bucket, KEY, 'the deletion of the current revision');
      },
    },
    {
      name: 'a condition on a deletion is refused with Unsupported where the store cannot keep it, and nothing is deleted',
      needs: [lacks('deleteIf', ({ deleteIf: of }) => of === false)],
      async run({ bucket }) {
        const { revision } = await bucket.put(KEY, 'content');
        await expectCode(bucket.delete(KEY, { if: revision }), 'Unsupported', 'a conditional deletion');
        await expectContent(bucket, KEY, Buffer.from('content'), 'the object');
      },
    },
  ],
);
