import { type Bucket, isStorageError, type ObjectInfo, sameRevision, type WriteCondition } from '@stowage/core';
import { expectContent, expectHeaders, expectNothing } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { type CaseDefinition, casesOf, type ConformanceCase, type Need } from '../conformance-case.ts';
import { streamOf } from '../content.ts';
import { expectCode, fail, settled } from '../expectations.ts';
import { atomic, lacks, multipart, supports, writable } from '../needs.ts';

const KEY = 'conditions/object';

/** A way to write one object under a condition: all conditions are tried through each. */
interface Writer {
  readonly name: string;
  readonly needs: readonly Need[];
  write(bucket: Bucket, content: string, condition: WriteCondition | undefined): Promise<ObjectInfo>;
}

const WRITERS: readonly Writer[] = [
  { name: 'a put of bytes', needs: [], write: (bucket, content, condition) => bucket.put(KEY, content, condition === undefined ? {} : { if: condition }) },
  {
    name: 'a put of a stream',
    needs: [],
    write: (bucket, content, condition) => bucket.put(KEY, streamOf(Buffer.from(content), 3), condition === undefined ? {} : { if: condition }),
  },
  {
    name: 'the completion of an upload',
    needs: [multipart, supports('put.conditionalMultipart', ({ put }) => put.conditionalMultipart)],
    async write(bucket, content, condition): Promise<ObjectInfo> {
      await using upload = await bucket.upload(KEY);
      const part = await upload.part(0, Buffer.from(content));
      return await upload.complete([part], condition === undefined ? {} : { if: condition });
    },
  },
];

const absent = supports('put.absent', ({ put }) => put.absent);
const match = supports('put.match', ({ put }) => put.match);

function raceSafe(writer: Writer, kind: 'absent' | 'match'): readonly Need[] {
  const own = atomic(`put.${kind}`, ({ put }) => put[kind]);
  return writer.needs.length === 0 ? [own] : [own, atomic('put.conditionalMultipart', ({ put }) => put.conditionalMultipart)];
}

function conditionalWrites(writer: Writer): readonly CaseDefinition[] {
  const { name, needs } = writer;
  const write = writer.write.bind(writer);
  return [
    {
      name: `${name} with if: absent creates once, and is AlreadyExists the second time`,
      needs: [absent, ...needs],
      async run({ bucket }) {
        const info = await write(bucket, 'first', 'absent');
        await expectCode(write(bucket, 'second', 'absent'), 'AlreadyExists', `${name} onto an object with if: absent`);
        await expectContent(bucket, KEY, Buffer.from('first'), 'the object that was there');
        if (!sameRevision((await bucket.head(KEY)).revision, info.revision)) fail('expected the refused write to leave the revision as it was');
        await bucket.delete(KEY);
        await write(bucket, 'third', 'absent');
        await expectContent(bucket, KEY, Buffer.from('third'), 'the object created again after its deletion');
      },
    },
    {
      name: `${name} replaces the named revision, in a chain`,
      needs: [match, ...needs],
      async run({ bucket }) {
        let { revision } = await write(bucket, 'link 0', undefined);
        for (let i = 1; i < 6; i++) ({ revision } = await write(bucket, `link ${i}`, revision));
        await expectContent(bucket, KEY, Buffer.from('link 5'), 'the end of the chain');
        const fromHead = (await bucket.head(KEY)).revision;
        const fromList = (await bucket.listPage({ prefix: KEY })).objects[0]?.revision ?? {};
        await write(bucket, 'from head', fromHead);
        await expectCode(write(bucket, 'from a stale listing', fromList), 'PreconditionFailed', `${name} with the revision of a listing that is stale by now`);
      },
    },
    {
      name: `${name} with the revision that a listing told replaces it`,
      needs: [match, ...needs],
      async run({ bucket }) {
        await write(bucket, 'listed', undefined);
        const [listed] = (await bucket.listPage({ prefix: KEY })).objects;
        if (listed === undefined) fail('expected the object in the listing');
        await write(bucket, 'replaced', listed.revision);
        await expectContent(bucket, KEY, Buffer.from('replaced'), 'the object');
      },
    },
    {
      name: `${name} with a stale revision is PreconditionFailed and changes nothing`,
      needs: [match, ...needs],
      async run({ bucket }) {
        const old = await bucket.put(KEY, 'old');
        await bucket.put(KEY, 'now', { contentType: 'text/x-now' });
        await expectCode(write(bucket, 'late', old.revision), 'PreconditionFailed', `${name} with a stale revision`);
        await expectContent(bucket, KEY, Buffer.from('now'), 'the object');
        expectHeaders((await bucket.head(KEY)).headers, { contentType: 'text/x-now' }, 'the object');
      },
    },
    {
      name: `${name} with a revision of an object that is gone is PreconditionFailed and makes none`,
      needs: [match, ...needs],
      async run({ bucket }) {
        const old = await bucket.put(KEY, 'old');
        await bucket.delete(KEY);
        await expectCode(write(bucket, 'late', old.revision), 'PreconditionFailed', `${name} with the revision of a deleted object`);
        await expectNothing(bucket, KEY, 'the refused write');
        await bucket.put(KEY, 'made anew');
        await expectCode(write(bucket, 'later', old.revision), 'PreconditionFailed', `${name} with the revision of the object before`);
        await expectContent(bucket, KEY, Buffer.from('made anew'), 'the object made anew');
      },
    },
    {
      name: `of eight racers that create by ${name}, exactly one wins`,
      needs: [absent, ...needs, ...raceSafe(writer, 'absent')],
      async run(c) {
        const buckets = await Promise.all(Array.from({ length: 8 }, () => c.openAgain()));
        const outcomes = await Promise.all(buckets.map((bucket, i) => settled(write(bucket, `racer ${i}`, 'absent'))));
        for (const outcome of outcomes) if (!outcome.ok && !isStorageError(outcome.error, 'AlreadyExists')) throw outcome.error;
        const winners = outcomes.flatMap((outcome, i) => (outcome.ok ? [i] : []));
        if (winners.length !== 1) fail(`expected one winner; got ${winners.length}`, winners.length, 1);
        await expectContent(c.bucket, KEY, Buffer.from(`racer ${winners[0]}`), "the winner's content");
      },
    },
    {
      name: `five workers that count to ten by ${name} end at 50`,
      needs: [match, ...needs, ...raceSafe(writer, 'match')],
      async run(c) {
        await write(c.bucket, '0', undefined);
        const worker = async (): Promise<void> => {
          const bucket = await c.openAgain();
          for (let i = 0; i < 10; i++) await increment(c, bucket, write);
        };
        await Promise.all(Array.from({ length: 5 }, worker));
        const total = await (await c.bucket.get(KEY)).text();
        if (total !== '50') fail(`expected the counter at 50, got ${total}: increments were lost or made twice`, total, '50');
      },
    },
  ];
}

/** Compare and swap until it holds. Of the losers of a round one wins the next: 50 increments need no more than 50 rounds each. */
async function increment(c: CaseContext, bucket: Bucket, write: Writer['write']): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const object = await bucket.get(KEY);
    const count = Number(await object.text());
    const outcome = await settled(write(bucket, String(count + 1), object.info.revision));
    if (outcome.ok) return;
    // An upload that could not be begun has written nothing: Versity's gateway fails so where another one of the key ends meanwhile.
    if (isStorageError(outcome.error, 'Unavailable') && outcome.error.operation === 'startUpload') continue;
    if (!isStorageError(outcome.error, 'PreconditionFailed')) throw outcome.error;
  }
  fail(`expected an increment to win within 200 rounds (capabilities.put.match is ${c.capabilities.put.match})`);
}

export const conditionCases: readonly ConformanceCase[] = casesOf(
  'conditions',
  [writable],
  [
    ...WRITERS.flatMap(conditionalWrites),
    {
      name: 'if: absent is refused with Unsupported where the store cannot keep it, and nothing is written',
      needs: [lacks('put.absent', ({ put }) => put.absent === false)],
      async run(c) {
        await c.withoutRequest(() => expectCode(c.bucket.put(KEY, 'x', { if: 'absent' }), 'Unsupported', 'if: absent'), 'if: absent');
        await expectNothing(c.bucket, KEY, 'the refused write');
      },
    },
    {
      name: 'a revision in if is refused with Unsupported where the store cannot keep it, and nothing is written',
      needs: [lacks('put.match', ({ put }) => put.match === false)],
      async run(c) {
        const { revision } = await c.bucket.put(KEY, 'old');
        await expectCode(c.bucket.put(KEY, 'new', { if: revision }), 'Unsupported', 'if: a revision');
        await expectContent(c.bucket, KEY, Buffer.from('old'), 'the object');
      },
    },
    {
      name: 'a condition on a completion is refused with Unsupported where the store cannot keep it',
      needs: [multipart, lacks('put.conditionalMultipart', ({ put }) => put.conditionalMultipart === false)],
      async run({ bucket }) {
        await using upload = await bucket.upload(KEY);
        const part = await upload.part(0, Buffer.from('x'));
        await expectCode(upload.complete([part], { if: 'absent' }), 'Unsupported', 'a conditional completion');
        await expectNothing(bucket, KEY, 'the refused completion');
      },
    },
    {
      name: 'an empty revision in if is InvalidArgument',
      needs: [match],
      async run(c) {
        await c.bucket.put(KEY, 'old');
        await c.withoutRequest(() => expectCode(c.bucket.put(KEY, 'new', { if: {} }), 'InvalidArgument', 'an empty revision'), 'an empty revision');
        await expectContent(c.bucket, KEY, Buffer.from('old'), 'the object');
      },
    },
  ],
);
