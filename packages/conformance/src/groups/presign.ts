import { setTimeout as sleep } from 'node:timers/promises';
import type { PresignedRequest, PresignMethod, PresignOptions } from '@stowage/core';
import { expectContent, expectNothing } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase, type Need } from '../conformance-case.ts';
import { contentOf } from '../content.ts';
import { expectBytes, expectCode, fail, quoted } from '../expectations.ts';
import { hook, seedable, writable } from '../needs.ts';

const KEY = 'presign/an object.bin';
const METHODS: readonly PresignMethod[] = ['GET', 'HEAD', 'PUT', 'DELETE'];
const FIVE_MINUTES = 300;
const sends = hook('presignFetch');

function presigns(method: PresignMethod): Need {
  return ({ presign }) => presign.includes(method) || `capabilities.presign has no ${method}`;
}

function signed({ bucket }: CaseContext, method: PresignMethod, o: Partial<PresignOptions> = {}): Promise<PresignedRequest> {
  return bucket.presign(KEY, { method, expiresInSeconds: FIVE_MINUTES, ...o });
}

/** Sends the request as whoever was handed it does: with its method and its headers, and the changes that the case makes. */
async function send(
  { harness }: CaseContext,
  request: PresignedRequest,
  content?: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; ok: boolean; bytes: Uint8Array; headers: Headers }> {
  if (harness.presignFetch === undefined) throw new TypeError('the harness has no "presignFetch": the case should name it among its needs');
  const response = await harness.presignFetch(request, content, headers);
  return { status: response.status, ok: response.ok, bytes: new Uint8Array(await response.arrayBuffer()), headers: response.headers };
}

function expectRefused({ status }: { readonly status: number }, what: string): void {
  if (status < 400 || status > 499) fail(`${what}: expected the store to refuse it with a status of 400 to 499; got ${status}`, status);
}

function expectDone({ ok, status }: { readonly ok: boolean; readonly status: number }, what: string): void {
  if (!ok) fail(`${what}: expected it to succeed; got status ${status}`, status);
}

export const presignCases: readonly ConformanceCase[] = casesOf(
  'presign',
  [],
  [
    {
      name: 'a presigned GET gives the object to whoever holds it',
      needs: [seedable, presigns('GET'), sends],
      async run(c) {
        const content = contentOf(100_000);
        await c.seed(KEY, content, { contentType: 'image/x-signed' });
        const request = await signed(c, 'GET');
        if (request.method !== 'GET') fail(`expected the request's method to be GET, got ${request.method}`);
        const answer = await send(c, request);
        expectDone(answer, 'the presigned GET');
        expectBytes(answer.bytes, content, 'the presigned GET');
        if (answer.headers.get('content-type') !== 'image/x-signed')
          fail(`expected the object's content type; got ${quoted(answer.headers.get('content-type') ?? undefined)}`);
        expectBytes((await send(c, request, undefined, { range: 'bytes=10-19' })).bytes, content.subarray(10, 20), 'a range of the presigned GET');
      },
    },
    {
      name: 'a presigned GET of a missing object is refused when it is sent',
      needs: [seedable, presigns('GET'), sends],
      async run(c) {
        expectRefused(await send(c, await signed(c, 'GET')), 'a presigned GET of a missing object');
      },
    },
    {
      name: 'a presigned HEAD tells the object and gives none of it',
      needs: [seedable, presigns('HEAD'), sends],
      async run(c) {
        await c.seed(KEY, contentOf(1234));
        const answer = await send(c, await signed(c, 'HEAD'));
        expectDone(answer, 'the presigned HEAD');
        if (answer.bytes.byteLength > 0 || answer.headers.get('content-length') !== '1234')
          fail(`expected a length of 1234 and no content; got ${answer.headers.get('content-length')} and ${answer.bytes.byteLength} bytes`);
      },
    },
    {
      name: 'a presigned PUT writes the object with the content type that was signed',
      needs: [writable, presigns('PUT'), sends],
      async run(c) {
        const content = contentOf(50_000);
        expectDone(await send(c, await signed(c, 'PUT', { headers: { 'content-type': 'image/x-signed' } }), content), 'the presigned PUT');
        await expectContent(c.bucket, KEY, content, 'the object of the presigned PUT');
        const type = (await c.bucket.head(KEY)).headers?.contentType;
        if (type !== 'image/x-signed') fail(`expected the content type that was signed; got ${quoted(type)}`, type, 'image/x-signed');
      },
    },
    {
      name: 'a presigned PUT with another content type than the signed one is refused',
      needs: [writable, presigns('PUT'), sends],
      async run(c) {
        const request = await signed(c, 'PUT', { headers: { 'content-type': 'image/x-signed' } });
        const names = Object.keys(request.headers).filter((name) => name.toLowerCase() === 'content-type');
        const changed = Object.fromEntries((names.length === 0 ? ['content-type'] : names).map((name) => [name, 'text/html']));
        expectRefused(await send(c, request, contentOf(10), changed), 'a presigned PUT with another content type');
        await expectNothing(c.bucket, KEY, 'a presigned PUT that was refused');
      },
    },
    {
      name: 'a presigned DELETE deletes',
      needs: [writable, presigns('DELETE'), sends],
      async run(c) {
        await c.bucket.put(KEY, 'x');
        expectDone(await send(c, await signed(c, 'DELETE')), 'the presigned DELETE');
        await expectNothing(c.bucket, KEY, 'the presigned DELETE');
      },
    },
    {
      name: 'a presigned request is good for its method alone',
      needs: [writable, presigns('GET'), sends],
      async run(c) {
        await c.bucket.put(KEY, 'kept');
        const request = await signed(c, 'GET');
        for (const method of ['PUT', 'DELETE'])
          expectRefused(await send(c, { ...request, method }, method === 'PUT' ? contentOf(10) : undefined), `a presigned GET sent as ${method}`);
        await expectContent(c.bucket, KEY, Buffer.from('kept'), 'the object');
      },
    },
    {
      name: 'a presigned request that was tampered with is refused',
      needs: [seedable, presigns('GET'), sends],
      async run(c) {
        await c.seed(KEY, contentOf(10));
        await c.seed(`${KEY}2`, contentOf(10, 2));
        const request = await signed(c, 'GET');
        const url = new URL(request.url);
        const other = new URL(url);
        other.pathname = `${other.pathname}2`;
        expectRefused(await send(c, { ...request, url: other.href }), 'a presigned GET with the path of another object');
        for (const [name, value] of url.searchParams) {
          const changed = new URL(url);
          changed.searchParams.set(name, tampered(value));
          expectRefused(await send(c, { ...request, url: changed.href }), `a presigned GET with another ${name}`);
          changed.searchParams.delete(name);
          expectRefused(await send(c, { ...request, url: changed.href }), `a presigned GET without ${name}`);
        }
      },
    },
    {
      name: 'a presigned request is refused after its end',
      needs: [seedable, presigns('GET'), sends],
      async run(c) {
        await c.seed(KEY, contentOf(10));
        const request = await signed(c, 'GET', { expiresInSeconds: 1 });
        await sleep(Math.max(0, request.expiresAt.getTime() - Date.now()) + 1500);
        expectRefused(await send(c, request), 'a presigned GET that has expired');
      },
    },
    {
      name: 'expiresAt is the true end of a presigned request',
      needs: [({ presign: methods }) => methods.length > 0 || 'capabilities.presign is empty'],
      async run(c) {
        const [method] = c.capabilities.presign as readonly [PresignMethod];
        const before = Date.now();
        const { expiresAt } = await signed(c, method);
        // Stores count whole seconds.
        const [least, most] = [before + FIVE_MINUTES * 1000 - 1000, Date.now() + FIVE_MINUTES * 1000 + 1000];
        if (expiresAt.getTime() < least || expiresAt.getTime() > most)
          fail(`expected expiresAt ${FIVE_MINUTES} s from now; got ${expiresAt.toISOString()}`, expiresAt);
      },
    },
    {
      name: "expiresAt is never past the credentials' own end",
      needs: [hook('credentialsExpireAt'), ({ presign: methods }) => methods.length > 0 || 'capabilities.presign is empty'],
      async run(c) {
        const end = c.harness.credentialsExpireAt ?? new Date();
        const [method] = c.capabilities.presign as readonly [PresignMethod];
        const seconds = Math.ceil((end.getTime() - Date.now()) / 1000) + 3600;
        const { expiresAt } = await signed(c, method, { expiresInSeconds: seconds });
        if (expiresAt > end) fail(`expected an end no later than the credentials' ${end.toISOString()}; got ${expiresAt.toISOString()}`, expiresAt, end);
      },
    },
    {
      name: 'an expiry that means nothing is InvalidArgument',
      needs: [presigns('GET')],
      async run(c) {
        for (const expiresInSeconds of [0, -1, 1.5, Number.NaN])
          await c.withoutRequest(
            () => expectCode(signed(c, 'GET', { expiresInSeconds }), 'InvalidArgument', `expiresInSeconds ${expiresInSeconds}`),
            `expiresInSeconds ${expiresInSeconds}`,
          );
      },
    },
    {
      name: 'a method that the store does not presign is Unsupported',
      needs: [({ presign: methods }) => METHODS.some((method) => !methods.includes(method)) || 'capabilities.presign has every method'],
      async run(c) {
        for (const method of METHODS.filter((each) => !c.capabilities.presign.includes(each)))
          await c.withoutRequest(() => expectCode(signed(c, method), 'Unsupported', `presign ${method}`), `presign ${method}`);
      },
    },
  ],
);

/** The value with one letter or digit in its middle exchanged for another of its kind. */
function tampered(value: string): string {
  const behindMiddle = value.slice(value.length >> 1).search(/[A-Za-z0-9]/);
  const index = behindMiddle < 0 ? 0 : (value.length >> 1) + behindMiddle;
  const old = value.charAt(index);
  const other = /[0-9]/.test(old) ? String((Number(old) + 1) % 10) : old === 'b' || old === 'B' ? 'c' : 'b';
  return value.slice(0, index) + other + value.slice(index + 1);
}
