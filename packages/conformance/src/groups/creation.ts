import type { BucketCreation } from '@stowage/core';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { expectCode, fail } from '../expectations.ts';
import { hook, writable } from '../needs.ts';

const KEY = 'creation/object';

async function create(c: CaseContext, name: string): Promise<BucketCreation> {
  return await c.within(c.maker.create(name, {}), 'createBucket');
}

/** The promises of `Provider.createBucket`. */
export const creationCases: readonly ConformanceCase[] = casesOf(
  'creation',
  [hook('maker'), writable],
  [
    {
      name: 'a new bucket is there, empty, and not open to the public',
      async run(c) {
        const name = c.maker.freshName();
        await expectCode((await c.made(name)).put(KEY, 'x'), 'BucketNotFound', 'put into a bucket that is yet to be made');
        const creation = await create(c, name);
        if (creation.outcome !== 'created') fail('expected the outcome created', creation.outcome, 'created');
        const { exposure, notes } = creation;
        if (exposure === 'public') fail('expected a bucket that nobody reads without signing in; it is told as public', exposure, 'private');
        if ((exposure === 'private') !== (notes.length === 0))
          fail(`expected notes exactly where it is not known to be private; got ${exposure} and ${notes.length} notes`);
        for (const note of notes) if (note.trim() === '' || /[\r\n]/.test(note)) fail(`expected a note of one line; got ${JSON.stringify(note)}`);
        const bucket = await c.made(name);
        for await (const { key } of bucket.list()) fail(`expected a new bucket to be empty; it has ${JSON.stringify(key)}`);
        await bucket.put(KEY, 'content');
      },
    },
    {
      name: 'a bucket that exists is told as that, and stays as it is',
      async run(c) {
        const name = c.maker.freshName();
        await create(c, name);
        const bucket = await c.made(name);
        const { revision } = await bucket.put(KEY, 'content');
        const again = await create(c, name);
        if (again.outcome !== 'existed') fail('expected the outcome existed', again.outcome, 'existed');
        const object = await bucket.get(KEY, { ifMatch: revision });
        const text = await object.text();
        if (text !== 'content') fail('expected the object to be as it was', text, 'content');
      },
    },
    {
      name: 'an aborted creation rejects with its reason, and makes nothing',
      async run(c) {
        const name = c.maker.freshName();
        const reason = new Error('no longer wanted');
        const caught = await c.maker.create(name, { signal: AbortSignal.abort(reason) }).then(
          () => fail('expected the creation to reject; it resolved'),
          (error: unknown) => error,
        );
        if (caught !== reason) fail(`expected the signal's own reason; got ${String(caught)}`, caught, reason);
        await expectCode((await c.made(name)).put(KEY, 'x'), 'BucketNotFound', 'put after the aborted creation');
      },
    },
  ],
);
