import { type Bucket, type ErrorCode, isStorageError, type StorageError } from '@stowage/core';
import { expectContent, expectNothing, listedKeys } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { type CaseDefinition, casesOf, type ConformanceCase } from '../conformance-case.ts';
import { gathered } from '../content.ts';
import { expectCode, expectNames, fail, quoted } from '../expectations.ts';
import { lacks, nestedKeys, writable } from '../needs.ts';
import { ODD_KEYS, REFUSED_KEYS } from '../odd-keys.ts';

const NEIGHBOUR = 'plain-neighbour';

export const keyCases: readonly ConformanceCase[] = casesOf(
  'keys',
  [writable],
  [
    ...ODD_KEYS.map(({ name, key, lookalikes }): CaseDefinition => ({
      name: `a key with ${name} is kept exactly, or refused before any request`,
      async run(c) {
        const fault = c.bucket.checkKey(key);
        if (fault === undefined) await keepsKey(c, key, lookalikes);
        else await refusesKey(c, key, fault);
      },
    })),
    ...REFUSED_KEYS.map(({ name, key }): CaseDefinition => ({
      name: `${name} is no key: InvalidKey before any request`,
      run: (c) => refusesKey(c, key),
    })),
    {
      name: 'keys are accepted up to the length that the capabilities name, and not beyond',
      async run(c) {
        const { maxBytes, maxSegmentBytes = maxBytes } = c.capabilities.keys;
        const longest = segmented(maxBytes, Math.min(maxSegmentBytes, 200));
        const fault = c.bucket.checkKey(longest);
        if (fault !== undefined) fail(`expected a key of capabilities.keys.maxBytes = ${maxBytes} bytes to be accepted; checkKey says: ${fault}`);
        await keepsKey(c, longest, []);
        await refusesKey(c, segmented(maxBytes + 1, Math.min(maxSegmentBytes, 200)));
        // Bytes count, not characters.
        await refusesKey(c, segmented(Math.ceil(maxBytes * 0.6), Math.min(Math.floor(maxSegmentBytes / 2), 100), 'é'));
        if (c.capabilities.keys.maxSegmentBytes !== undefined) {
          await keepsKey(c, 's'.repeat(Math.min(maxSegmentBytes, maxBytes)), []);
          if (maxSegmentBytes < maxBytes) await refusesKey(c, 's'.repeat(maxSegmentBytes + 1));
        }
      },
    },
    {
      name: 'composed and decomposed letters are two keys',
      async run(c) {
        const composed = 'caf\u{e9}';
        const decomposed = 'cafe\u{301}';
        if (c.bucket.checkKey(composed) !== undefined || c.bucket.checkKey(decomposed) !== undefined) return;
        await c.bucket.put(composed, 'composed');
        await c.bucket.put(decomposed, 'decomposed');
        await expectContent(c.bucket, composed, Buffer.from('composed'), 'the composed key');
        await expectContent(c.bucket, decomposed, Buffer.from('decomposed'), 'the decomposed key');
        expectNames((await listedKeys(c.bucket)).sort(), [decomposed, composed], 'the listing');
        await c.bucket.delete(decomposed);
        await expectContent(c.bucket, composed, Buffer.from('composed'), 'the composed key after the other is deleted');
      },
    },
    {
      name: 'keys that differ by case are two keys',
      needs: [({ keys }) => keys.caseSensitive || 'capabilities.keys.caseSensitive is false'],
      async run({ bucket }) {
        for (const key of ['Case/Name.TXT', 'case/name.txt', 'CASE/NAME.TXT']) await bucket.put(key, key);
        for (const key of ['Case/Name.TXT', 'case/name.txt', 'CASE/NAME.TXT']) await expectContent(bucket, key, Buffer.from(key), `the key ${key}`);
        expectNames(await listedKeys(bucket), ['CASE/NAME.TXT', 'Case/Name.TXT', 'case/name.txt'], 'the listing');
        await expectNothing(bucket, 'cASE/nAME.tXT', 'a fourth spelling');
      },
    },
    {
      name: 'a key that differs by case from one that is held is KeyConflict, and changes nothing',
      needs: [({ keys }) => !keys.caseSensitive || 'capabilities.keys.caseSensitive is true'],
      async run(c) {
        await c.bucket.put('Case/Name.TXT', 'held');
        await expectCode(c.bucket.put('Case/name.txt', 'other'), 'KeyConflict', 'the same key in other case');
        await expectContent(c.bucket, 'Case/Name.TXT', Buffer.from('held'), 'the key that was held');
        await expectNothing(c.bucket, 'Case/name.txt', 'the refused key');
      },
    },
    {
      name: 'a, a/ and a/b are three objects',
      needs: [nestedKeys],
      async run({ bucket }) {
        const keys = ['a', 'a/', 'a/b'];
        for (const key of [...keys].reverse()) await bucket.put(key, `content of ${key}`);
        for (const key of keys) await expectContent(bucket, key, Buffer.from(`content of ${key}`), `the key ${key}`);
        expectNames(await listedKeys(bucket), keys, 'the listing');
        await bucket.delete('a/');
        await expectContent(bucket, 'a', Buffer.from('content of a'), 'a, after a/ was deleted');
        await expectContent(bucket, 'a/b', Buffer.from('content of a/b'), 'a/b, after a/ was deleted');
        await bucket.delete('a');
        await expectContent(bucket, 'a/b', Buffer.from('content of a/b'), 'a/b, after a was deleted');
        expectNames(await listedKeys(bucket), ['a/b'], 'the listing at the end');
      },
    },
    {
      name: 'a key beside one that it cannot lie beside is KeyConflict, and changes nothing',
      needs: [lacks('keys.nested', ({ keys }) => !keys.nested)],
      async run({ bucket }) {
        for (const [held, refused] of [
          ['a', 'a/b'],
          ['d/e', 'd'],
          ['f', 'f/g/h'],
        ] as const) {
          await bucket.put(held, 'held');
          const copy = { [held]: 'held' };
          await expectCode(bucket.put(refused, 'refused'), 'KeyConflict', `${refused} beside ${held}`);
          await expectContent(bucket, held, Buffer.from(copy[held] ?? ''), held);
          await expectCode(bucket.head(refused), 'NotFound', `head of ${refused}`);
          await expectCode(bucket.get(refused), 'NotFound', `get of ${refused}`);
          expectNames(await listedKeys(bucket), [held], 'the listing');
          await bucket.delete(held);
          await bucket.put(refused, 'now it can');
          await expectContent(bucket, refused, Buffer.from('now it can'), `${refused} after ${held} was deleted`);
          await bucket.delete(refused);
        }
      },
    },
  ],
);

/** The key goes through every operation and comes back the same; what looks like it stays another object. */
async function keepsKey(c: CaseContext, key: string, lookalikes: readonly string[]): Promise<void> {
  const { bucket, capabilities } = c;
  const content = Buffer.from(`content of ${key}`);
  const beside = [NEIGHBOUR, ...lookalikes].filter((other) => bucket.checkKey(other) === undefined && canLieBeside(bucket, key, other));
  const kept: string[] = [];
  for (const other of beside) {
    try {
      await bucket.put(other, `look-alike ${other}`);
      kept.push(other);
    } catch (error) {
      // Two look-alikes may exclude each other; the key itself may not.
      if (!isStorageError(error, 'KeyConflict')) throw error;
    }
  }
  const put = await bucket.put(key, content);
  expectKey(put.key, key, 'put');
  expectKey((await bucket.head(key)).key, key, 'head');
  const object = await bucket.get(key);
  expectKey(object.info.key, key, 'get');
  if (Buffer.compare(await gathered(object), content) !== 0) fail(`get of ${quoted(key)}: not the content that was written`);
  if (!(await bucket.exists(key))) fail(`exists of ${quoted(key)}: expected true`);
  expectNames((await listedKeys(bucket)).sort(), [key, ...kept].sort(), `the listing with ${quoted(key)}`);
  const exact = (await listedKeys(bucket, { prefix: key })).filter((listed) => listed === key);
  expectNames(exact, [key], `the listing by the prefix ${quoted(key)}`);
  if (capabilities.list.startAfter !== false && (await listedKeys(bucket, { startAfter: key })).includes(key))
    fail(`the listing behind ${quoted(key)}: expected it not to hold that key`);
  await copiesKey(c, key, content);
  if (capabilities.setHeaders !== false) expectKey((await bucket.setHeaders(key, { contentType: 'text/x-odd' })).key, key, 'setHeaders');
  if (capabilities.multipart.maxParts > 1) await uploadsKey(bucket, key, content);
  if (capabilities.presign.includes('GET')) await presignsKey(c, key, content);
  for (const other of kept) await expectContent(bucket, other, Buffer.from(`look-alike ${other}`), `${quoted(other)} beside ${quoted(key)}`);
  await bucket.delete(key);
  await expectNothing(bucket, key, 'the deleted key');
  expectNames((await listedKeys(bucket)).sort(), [...kept].sort(), `the listing after ${quoted(key)} was deleted`);
  const [outcome] = await outcomesOf(bucket.deleteMany(kept.slice(0, 1)));
  if (outcome?.ok !== true) fail(`deleteMany of ${quoted(kept[0])}: expected ok`, outcome);
  await bucket.put(key, content);
  const [deleted] = await outcomesOf(bucket.deleteMany([key]));
  expectKey(deleted?.key ?? '', key, 'the outcome of deleteMany');
  await expectNothing(bucket, key, 'deleteMany');
}

function canLieBeside({ capabilities: { keys } }: Bucket, a: string, b: string): boolean {
  if (a === b) return false;
  if (!keys.caseSensitive && a.toLowerCase() === b.toLowerCase()) return false;
  return (
    keys.nested ||
    !(`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`) || a.startsWith(`${b.replace(/\/+$/, '')}/`) || b.startsWith(`${a.replace(/\/+$/, '')}/`))
  );
}

function expectKey(actual: string, key: string, what: string): void {
  if (actual !== key) fail(`${what}: expected the key ${quoted(key)}, got ${quoted(actual)}`, actual, key);
}

async function copiesKey({ bucket, capabilities }: CaseContext, key: string, content: Uint8Array): Promise<void> {
  if (capabilities.copy === 'none') return;
  const aside = 'copied-aside';
  expectKey((await bucket.copy(key, aside)).key, aside, 'copy away');
  await expectContent(bucket, aside, content, `the copy of ${quoted(key)}`);
  await bucket.delete(key);
  expectKey((await bucket.copy(aside, key)).key, key, 'copy back');
  await expectContent(bucket, key, content, `${quoted(key)}, copied back`);
  await bucket.delete(aside);
}

async function uploadsKey(bucket: Bucket, key: string, content: Uint8Array): Promise<void> {
  await using upload = await bucket.upload(key);
  expectKey(upload.ref.key, key, 'upload');
  for await (const ref of bucket.listUploads()) if (ref.id === upload.ref.id) expectKey(ref.key, key, 'listUploads');
  expectKey((await upload.complete([await upload.part(0, content)])).key, key, 'complete');
  await expectContent(bucket, key, content, `the upload of ${quoted(key)}`);
}

async function presignsKey({ bucket, harness }: CaseContext, key: string, content: Uint8Array): Promise<void> {
  const request = await bucket.presign(key, { method: 'GET', expiresInSeconds: 300 });
  const response = await harness.presignFetch?.(request);
  if (response === undefined) return;
  const body = new Uint8Array(await response.arrayBuffer());
  if (!response.ok || Buffer.compare(body, content) !== 0)
    fail(`the presigned GET of ${quoted(key)}: expected its ${content.byteLength} bytes; got status ${response.status} and ${body.byteLength} bytes`);
}

/** Every operation refuses the key with `InvalidKey`, before any request. */
async function refusesKey(c: CaseContext, key: string, fault?: string): Promise<void> {
  const { bucket, capabilities } = c;
  if (fault !== undefined && (fault.trim() === '' || /[\r\n]/.test(fault)))
    fail(`checkKey of ${quoted(key)}: expected one line of words; got ${quoted(fault)}`);
  await bucket.put(NEIGHBOUR, 'neighbour');
  const operations: Record<string, () => Promise<unknown>> = {
    head: () => bucket.head(key),
    exists: () => bucket.exists(key),
    get: () => bucket.get(key),
    getRanges: () => bucket.getRanges(key, [{ start: 0, end: 1 }]),
    put: () => bucket.put(key, 'x'),
    delete: () => bucket.delete(key),
    upload: () => bucket.upload(key),
    ...(capabilities.copy === 'none'
      ? {}
      : {
          'copy to it': () => bucket.copy(NEIGHBOUR, key),
          'copy from it': () => bucket.copy(key, 'elsewhere'),
          'move to it': () => bucket.move(NEIGHBOUR, key),
          'move from it': () => bucket.move(key, 'elsewhere'),
        }),
    ...(capabilities.setHeaders === false ? {} : { setHeaders: () => bucket.setHeaders(key, {}) }),
    ...(capabilities.presign.includes('GET') ? { presign: () => bucket.presign(key, { method: 'GET', expiresInSeconds: 60 }) } : {}),
  };
  // The request that looks at the neighbour before it is moved is one of another key.
  const mayAsk = new Set(['move to it']);
  for (const [operation, call] of Object.entries(operations)) {
    const what = `${operation} with the key ${quoted(key)}`;
    const refused = (): Promise<StorageError> => expectCode(call(), 'InvalidKey' satisfies ErrorCode, what);
    const error = mayAsk.has(operation) ? await refused() : await c.withoutRequest(refused, what);
    if (/[\r\n\0]/.test(error.message)) fail(`${what}: expected a message of one line; got ${quoted(error.message)}`);
  }
  await refusesInBatch(c, key);
  expectNames(await listedKeys(bucket), [NEIGHBOUR], `the bucket after ${quoted(key)} was refused`);
  await expectContent(bucket, NEIGHBOUR, Buffer.from('neighbour'), 'the neighbour');
}

async function refusesInBatch({ bucket }: CaseContext, key: string): Promise<void> {
  await bucket.put('doomed', 'x');
  const outcomes = await outcomesOf(bucket.deleteMany([key, 'doomed']));
  const [first, second] = outcomes;
  if (first?.ok !== false || first.error.code !== 'InvalidKey') fail(`deleteMany with the key ${quoted(key)}: expected its outcome to be InvalidKey`, first);
  if (second?.ok !== true) fail(`deleteMany with the key ${quoted(key)}: expected the other item to be deleted`, second);
}

async function outcomesOf<T>(outcomes: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

/** A key of exactly so many units, in segments no longer than the given. */
function segmented(length: number, segment: number, unit: string = 'k'): string {
  let key = '';
  for (let at = 0; at < length; at++) key += at % (segment + 1) === segment && at < length - 1 ? '/' : unit;
  return key;
}
