import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { encodedKey } from '@stowage/wire';
import { RequestSigner, UNSIGNED_PAYLOAD, type UnsignedRequest } from '../src/wire/sigv4.ts';

/** What the SDK's signer hashes with. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac(
            'sha256',
            typeof secret === 'string'
              ? secret
              : Buffer.from(ArrayBuffer.isView(secret) ? secret.buffer : secret, ArrayBuffer.isView(secret) ? secret.byteOffset : 0, secret.byteLength),
          );
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error('not used');
  }
}

const oddText = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...Array.from('/ +%?#&=\'"()*!~\\[]\r\n\t'), 'é', 'e\u0301', '😀', '\u{10ffff}', '\u0001'),
      fc.string({ minLength: 1, maxLength: 1 }),
    ),
    maxLength: 40,
  })
  .map((text) => text.toWellFormed());
const header = fc.dictionary(
  fc.constantFrom('content-type', 'cache-control', 'range', 'if-none-match', 'x-amz-meta-a', 'x-amz-meta-b-c', 'x-amz-tagging', 'content-md5', 'user-agent'),
  fc.string({ unit: fc.constantFrom(...Array.from('abc ,;=/"-  ')), maxLength: 20 }),
);
const requests = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE'),
  host: fc.constantFrom('127.0.0.1:9000', 'bucket.s3.eu-central-1.amazonaws.com'),
  key: oddText,
  query: fc.dictionary(fc.constantFrom('uploadId', 'partNumber', 'list-type', 'prefix', 'a', 'A', 'a-b', 'versionId'), oddText),
  headers: header,
  body: fc.option(fc.uint8Array(), { nil: undefined }),
});
const credentials = fc
  .record({ accessKeyId: fc.constant('AKIDEXAMPLE'), secretAccessKey: fc.string({ minLength: 1, unit: 'grapheme-ascii' }) })
  .chain((keys) => fc.oneof(fc.constant(keys), fc.constant({ ...keys, sessionToken: 'token/+=' })));
const time = fc.date({ min: new Date('2001-01-01'), max: new Date('2060-01-01'), noInvalidDate: true });

function unsigned({ method, host, key, query, headers, body }: typeof requests extends fc.Arbitrary<infer T> ? T : never): UnsignedRequest {
  return {
    method,
    host,
    path: `/bucket/${encodedKey(key)}`,
    query,
    headers,
    payloadHash: body === undefined ? UNSIGNED_PAYLOAD : createHash('sha256').update(body).digest('hex'),
  };
}

function sdkSigner(keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): SignatureV4 {
  return new SignatureV4({ service: 's3', region: 'eu-central-1', credentials: keys, sha256: Sha256, uriEscapePath: false, applyChecksum: true });
}

function sdkRequest({ method, host, path, query, headers, payloadHash }: UnsignedRequest): {
  method: string;
  protocol: string;
  hostname: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
} {
  return { method, protocol: 'https:', hostname: host, path, query: { ...query }, headers: { ...headers, host, 'x-amz-content-sha256': payloadHash } };
}

describe("signatures agree with the SDK's own signer", () => {
  it('in the Authorization header', async () => {
    const signer = new RequestSigner('eu-central-1');
    await fc.assert(
      fc.asyncProperty(requests, credentials, time, async (spec, keys, now) => {
        const request = unsigned(spec);
        const theirs = await sdkSigner(keys).sign(sdkRequest(request), { signingDate: now });
        const ours = signer.sign(request, keys, now.getTime());
        expect(ours.headers['authorization']).toBe(theirs.headers['authorization']);
        expect(ours.headers['x-amz-date']).toBe(theirs.headers['x-amz-date']);
        expect(ours.headers['x-amz-security-token']).toBe(theirs.headers['x-amz-security-token']);
      }),
      { numRuns: 1000 },
    );
  });

  it('in presigned queries', async () => {
    const signer = new RequestSigner('eu-central-1');
    await fc.assert(
      fc.asyncProperty(requests, credentials, time, fc.integer({ min: 1, max: 604_800 }), async (spec, keys, now, expiresIn) => {
        const request = {
          ...unsigned({ ...spec, headers: 'content-type' in spec.headers ? { 'content-type': spec.headers['content-type'] } : {} }),
          payloadHash: UNSIGNED_PAYLOAD,
        };
        const theirs = await sdkSigner(keys).presign(
          { ...sdkRequest(request), headers: { ...request.headers, host: request.host, 'X-Amz-Content-Sha256': UNSIGNED_PAYLOAD } },
          { signingDate: now, expiresIn, signableHeaders: new Set(['content-type', 'host']), unhoistableHeaders: new Set(['content-type']) },
        );
        const ours = new URLSearchParams(signer.presign(request, keys, expiresIn, now.getTime()).replace(/^[^?]*\?/, ''));
        expect(ours.get('X-Amz-Signature')).toBe(theirs.query?.['X-Amz-Signature']);
      }),
      { numRuns: 500 },
    );
  });

  it('differ where a byte of the request does', () => {
    const signer = new RequestSigner('eu-central-1');
    const keys = { accessKeyId: 'a', secretAccessKey: 'b' };
    const base: UnsignedRequest = { method: 'GET', host: 'h', path: '/b/k', query: {}, headers: {}, payloadHash: UNSIGNED_PAYLOAD };
    const signature = (request: UnsignedRequest): string => signer.sign(request, keys, 0).headers['authorization'] ?? '';
    const changed: UnsignedRequest[] = [
      { ...base, method: 'PUT' },
      { ...base, host: 'i' },
      { ...base, path: '/b//k' },
      { ...base, query: { a: '' } },
      { ...base, headers: { range: 'bytes=0-1' } },
      { ...base, payloadHash: 'x' },
    ];
    expect(new Set([base, ...changed].map(signature)).size).toBe(changed.length + 1);
  });
});
