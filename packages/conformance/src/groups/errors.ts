import { inspect } from 'node:util';
import { type Bucket, type ErrorCode, isStorageError, type StorageError } from '@stowage/core';
import type { CaseContext } from '../case-context.ts';
import { type CaseDefinition, casesOf, type ConformanceCase } from '../conformance-case.ts';
import { expectCode, fail, quoted } from '../expectations.ts';
import type { StoreFaults } from '../harness.ts';
import { fault, hook, seedable, writable } from '../needs.ts';

const KEY = 'errors/object';

/** Every form in which an error may end up in a log. */
function everyForm(error: unknown): string[] {
  const forms = [inspect(error, { depth: 20, showHidden: true, getters: true }), inspect(error)];
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 20; cause = cause.cause, depth++) {
    forms.push(cause.message, cause.stack ?? '', String(cause), JSON.stringify(cause) ?? '', JSON.stringify(cause, Object.getOwnPropertyNames(cause)) ?? '');
  }
  return forms;
}

/** No secret of the harness is in the error, plain or as URLs and headers carry it. */
function expectNoSecret(error: unknown, { harness }: CaseContext, what: string): void {
  const text = everyForm(error).join('\n');
  for (const [i, secret] of (harness.secrets ?? []).entries()) {
    const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
    for (const form of new Set([secret, encodeURIComponent(secret), base64])) {
      // The message names the secret by its place: it must not end up in a test report either.
      if (text.includes(form))
        fail(`${what}: the error holds secret number ${i + 1} of the harness (${form === secret ? 'as it is' : 'encoded'}): redact before wrapping`);
    }
  }
}

function expectGoodWords(error: StorageError, what: string): void {
  if (!(error instanceof Error) || error.name !== 'StorageError') fail(`${what}: expected an Error named StorageError; got ${error.name}`);
  if (error.message.trim() === '' || /[\r\n]/.test(error.message)) fail(`${what}: expected a message of one line; got ${quoted(error.message)}`);
  const json = JSON.parse(JSON.stringify(error)) as Record<string, unknown>;
  if (json['code'] !== error.code || json['stack'] !== undefined || json['cause'] !== undefined)
    fail(`${what}: expected its JSON to be plain data with the code, without stack and cause; got ${Object.keys(json).join(', ')}`, json);
}

/** What can be asked of a bucket, whatever is wrong with it. */
function operations(bucket: Bucket): Record<string, () => Promise<unknown>> {
  const { readOnly, list } = bucket.capabilities;
  return {
    head: () => bucket.head(KEY),
    get: () => bucket.get(KEY),
    ...(list.unsupported === true ? {} : { list: () => bucket.listPage() }),
    ...(readOnly ? {} : { put: () => bucket.put(KEY, 'x'), delete: () => bucket.delete(KEY), upload: () => completeUpload(bucket) }),
  };
}

async function completeUpload(bucket: Bucket): Promise<void> {
  const upload = await bucket.upload(KEY);
  // Stores without a request for the beginning fail at the first part or at the end.
  await upload.complete([await upload.part(0, Buffer.from('x'))]);
}

/** Every operation on a bucket with this fault fails with one of the codes, is retryable or not, and holds no secret. */
function faultCase(
  name: string,
  hookName: Exclude<keyof StoreFaults, 'breakBody' | 'throttled'>,
  codes: readonly ErrorCode[],
  retryable: boolean,
): CaseDefinition {
  return {
    name,
    needs: [fault(hookName)],
    async run(c) {
      const bucket = await c.faulty(hookName);
      for (const [operation, call] of Object.entries(operations(bucket))) {
        const error = await expectCode(c.within(call(), operation), codes, operation);
        if (error.retryable !== retryable)
          fail(`${operation}: expected retryable ${retryable}, got ${error.retryable} (${error.code})`, error.retryable, retryable);
        expectGoodWords(error, operation);
        expectNoSecret(error, c, operation);
      }
    },
  };
}

export const errorCases: readonly ConformanceCase[] = casesOf(
  'errors',
  [],
  [
    {
      name: 'a missing object is NotFound with operation, provider, bucket and key, and not retryable',
      async run(c) {
        const { bucket } = c;
        const asked = { head: () => bucket.head(KEY), get: () => bucket.get(KEY) };
        for (const [operation, call] of Object.entries(asked)) {
          const error = await expectCode(call(), 'NotFound', operation);
          const facts = { operation, provider: bucket.provider, bucket: bucket.name, key: KEY, retryable: false };
          for (const [name, value] of Object.entries(facts)) {
            const got = error[name as keyof StorageError];
            if (got !== value)
              fail(`${operation} of a missing key: expected the error's ${name} to be ${quoted(String(value))}, got ${quoted(String(got))}`, got, value);
          }
          expectGoodWords(error, operation);
        }
      },
    },
    {
      name: 'the key is NotFound and the bucket is BucketNotFound: they are told apart',
      needs: [fault('missingBucket')],
      async run(c) {
        await expectCode(c.bucket.head(KEY), 'NotFound', 'a missing key in a bucket that is there');
        const missing = await c.faulty('missingBucket');
        await expectCode(missing.get(KEY), 'BucketNotFound', 'get in a bucket that is not there');
        if (missing.capabilities.list.unsupported !== true) await expectCode(missing.listPage(), 'BucketNotFound', 'a listing of a bucket that is not there');
        if (!missing.capabilities.readOnly) await expectCode(missing.put(KEY, 'x'), 'BucketNotFound', 'put into a bucket that is not there');
      },
    },
    {
      name: 'refusals name the kind of failure in one line, as plain data, and hold no secret',
      needs: [seedable],
      async run(c) {
        await c.seed(KEY, Buffer.from('content'));
        const refused: Record<string, readonly [ErrorCode, () => Promise<unknown>]> = {
          'a missing key': ['NotFound', () => c.bucket.get('errors/missing')],
          'a range past the end': ['InvalidRange', () => c.bucket.get(KEY, { range: { start: 1000 } })],
          'a key that is none': ['InvalidKey', () => c.bucket.head('errors/../x')],
          ...(c.capabilities.readOnly || c.capabilities.put.absent === false
            ? {}
            : { 'a key that is taken': ['AlreadyExists', () => c.bucket.put(KEY, 'x', { if: 'absent' })] }),
        };
        for (const [what, [code, call]] of Object.entries(refused)) {
          const error = await expectCode(call(), code, what);
          if (error.retryable) fail(`${what}: expected retryable false`, true, false);
          expectGoodWords(error, what);
          expectNoSecret(error, c, what);
        }
      },
    },
    {
      name: 'a batch tells failures as good errors, too',
      needs: [writable],
      async run(c) {
        for await (const outcome of c.bucket.deleteMany(['errors/../x'])) {
          if (outcome.ok) fail('expected the outcome of a key that is none to be a failure');
          if (!isStorageError(outcome.error, 'InvalidKey')) fail(`expected the outcome's error to be InvalidKey, got ${String(outcome.error)}`);
          expectGoodWords(outcome.error, 'the outcome');
          expectNoSecret(outcome.error, c, 'the outcome');
        }
      },
    },
    {
      name: 'no error holds a secret of the harness',
      needs: [hook('secrets')],
      async run(c) {
        const attempts: Record<string, () => Promise<unknown>> = {
          'get of a missing key': () => c.bucket.get(KEY),
          'head of a missing key': () => c.bucket.head(KEY),
          'head of a key that is none': () => c.bucket.head('errors/../x'),
          'a cursor that is none': () => c.bucket.listPage({ cursor: 'not a cursor' }),
          ...(c.capabilities.readOnly
            ? {}
            : {
                'resuming an upload that never was': () => c.bucket.resumeUpload({ key: KEY, id: 'no-such-upload' }),
                'a copy of a missing key': () => c.bucket.copy(KEY, `${KEY}2`),
              }),
        };
        for (const [what, call] of Object.entries(attempts))
          await call().then(
            () => undefined,
            (error: unknown) => expectNoSecret(error, c, what),
          );
      },
    },
    faultCase('a bucket that does not exist is BucketNotFound for every operation', 'missingBucket', ['BucketNotFound'], false),
    faultCase('denied is AccessDenied for every operation, and not retryable', 'denied', ['AccessDenied'], false),
    faultCase('unknown credentials are Unauthenticated or AccessDenied, and not retryable', 'unauthenticated', ['Unauthenticated', 'AccessDenied'], false),
    faultCase('an unreachable store is Unavailable or Timeout, and retryable', 'unreachable', ['Unavailable', 'Timeout'], true),
    {
      name: 'a throttling store is RateLimited, retryable, with the wait that it asked for',
      needs: [fault('throttled')],
      async run(c) {
        const bucket = await c.throttled(7000);
        for (const [operation, call] of Object.entries(operations(bucket))) {
          const error = await expectCode(c.within(call(), operation), 'RateLimited', operation);
          if (!error.retryable) fail(`${operation}: expected retryable true`, false, true);
          if (error.retryAfterMs !== 7000)
            fail(`${operation}: expected retryAfterMs 7000, as the store asked; got ${error.retryAfterMs}`, error.retryAfterMs, 7000);
          expectGoodWords(error, operation);
          expectNoSecret(error, c, operation);
        }
      },
    },
    {
      name: 'a full disk or quota is OutOfSpace, not retryable, and leaves the old object',
      needs: [writable, fault('full')],
      async run(c) {
        const bucket = await c.faulty('full');
        const error = await expectCode(bucket.put(KEY, new Uint8Array(4 * 1024 * 1024)), 'OutOfSpace', 'put into a full store');
        if (error.retryable) fail('expected OutOfSpace not to be retryable', true, false);
        await expectCode(bucket.head(KEY), 'NotFound', 'head after the failed put');
      },
    },
    {
      name: 'checkAccess grants what these credentials may do',
      needs: [seedable],
      async run(c) {
        const report = await c.bucket.checkAccess();
        for (const permission of ['list', 'read', 'write', 'delete', 'list-uploads'] as const) {
          const answer = report[permission];
          if (!['granted', 'denied', 'not-probed'].includes(answer))
            fail(`expected "${permission}" to be granted, denied or not-probed; got ${quoted(answer)}`, answer);
          if (answer === 'denied' && (!c.capabilities.readOnly || permission === 'list' || permission === 'read'))
            fail(`expected "${permission}" to be granted (or not-probed) in the harness's own bucket; got denied`);
        }
        if (c.capabilities.list.unsupported === true) return;
        for await (const page of c.bucket.listPages())
          if (page.objects.length > 0) fail(`expected checkAccess to leave nothing in the bucket; got ${page.objects.map(({ key }) => key).join(', ')}`);
      },
    },
    {
      name: 'checkAccess tells what is denied, and does not fail for it',
      needs: [fault('denied')],
      async run(c) {
        const bucket = await c.faulty('denied');
        const report = await bucket.checkAccess();
        if (report.read === 'granted' || report.list === 'granted')
          fail(`expected read and list not to be granted to credentials that may do nothing; got ${JSON.stringify(report)}`, report);
        if (!Object.values(report).includes('denied')) fail(`expected something to be denied; got ${JSON.stringify(report)}`, report);
      },
    },
    {
      name: 'a read-only bucket refuses every write with Unsupported, before any request',
      needs: [seedable, ({ readOnly }) => readOnly || 'the bucket can be written'],
      async run(c) {
        await c.seed(KEY, Buffer.from('content'));
        const { bucket } = c;
        const writes: Record<string, () => Promise<unknown>> = {
          put: () => bucket.put(KEY, 'x'),
          delete: () => bucket.delete(KEY),
          upload: () => bucket.upload(KEY),
          copy: () => bucket.copy(KEY, `${KEY}2`),
          setHeaders: () => bucket.setHeaders(KEY, {}),
        };
        for (const [operation, call] of Object.entries(writes)) await c.withoutRequest(() => expectCode(call(), 'Unsupported', operation), operation);
        if ((await (await bucket.get(KEY)).text()) !== 'content') fail('expected the object to be as it was');
      },
    },
    {
      name: 'the bucket has the capabilities that the harness names',
      async run(c) {
        const [got, expected] = [JSON.stringify(c.bucket.capabilities), JSON.stringify(c.harness.capabilities)];
        if (got !== expected)
          fail(`expected bucket.capabilities to be harness.capabilities; got ${got}, expected ${expected}`, c.bucket.capabilities, c.harness.capabilities);
      },
    },
  ],
);
