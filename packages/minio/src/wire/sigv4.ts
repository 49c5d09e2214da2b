/**
 * AWS Signature Version 4 as S3 has it: the path is encoded once and not normalised, and the payload's hash is a header.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { hash } from 'node:crypto';
import { HmacKey } from '@stowage/wire';
import type { Credentials } from '../credentials/credentials.ts';
import { canonicalQuery } from './percent-encoding.ts';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const ALGORITHM = 'AWS4-HMAC-SHA256';

/** Headers that proxies and clients change on the way, and the one that is made here: the list of the AWS SDK for JavaScript. */
const UNSIGNED_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'expect',
  'from',
  'keep-alive',
  'max-forwards',
  'pragma',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amzn-trace-id',
]);

/** A request before it is signed. Header names are in lower case, without `host`. */
export interface UnsignedRequest {
  readonly method: string;
  readonly host: string;
  /** Encoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Hex of SHA-256, or {@link UNSIGNED_PAYLOAD}. */
  readonly payloadHash: string;
}

export interface SignedRequest {
  /** With the query behind it. */
  readonly path: string;
  /** All but `host`. */
  readonly headers: Record<string, string>;
}

/** Signs for one region; keys derived for a day are kept. */
export class RequestSigner {
  readonly #region: string;
  readonly #service: string;
  #derived: { readonly secret: string; readonly day: string; readonly key: HmacKey } | undefined;
  #second = -1;
  #time = '';

  constructor(region: string, service: string = 's3') {
    this.#region = region;
    this.#service = service;
  }

  /** The request with `Authorization` and what belongs to it. */
  sign(request: UnsignedRequest, credentials: Credentials, now: number = Date.now()): SignedRequest {
    const time = this.#timeOf(now);
    const query = canonicalQuery(request.query);
    const headers: Record<string, string> = { ...request.headers, 'x-amz-content-sha256': request.payloadHash, 'x-amz-date': time };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const { canonical, names } = canonicalHeaders(request.host, headers);
    const scope = this.#scope(time);
    const signature = this.#signature(credentials, time, scope, `${request.method}\n${request.path}\n${query}\n${canonical}\n${names}\n${request.payloadHash}`);
    headers['authorization'] = `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return { path: query === '' ? request.path : `${request.path}?${query}`, headers };
  }

  /** The path and query of a request whose signature stands in the query; `request.headers` must be sent along, word for word. */
  presign(request: UnsignedRequest, credentials: Credentials, expiresInSeconds: number, now: number = Date.now()): string {
    const time = this.#timeOf(now);
    const scope = this.#scope(time);
    // What the holder must send is signed whatever it is.
    const { canonical, names } = canonicalHeaders(request.host, request.headers, NONE);
    const query = canonicalQuery({
      ...request.query,
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Content-Sha256': request.payloadHash,
      'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresInSeconds),
      'X-Amz-SignedHeaders': names,
      ...(credentials.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': credentials.sessionToken }),
    });
    const signature = this.#signature(credentials, time, scope, `${request.method}\n${request.path}\n${query}\n${canonical}\n${names}\n${request.payloadHash}`);
    return `${request.path}?${query}&X-Amz-Signature=${signature}`;
  }

  #scope(time: string): string {
    return `${time.slice(0, 8)}/${this.#region}/${this.#service}/aws4_request`;
  }

  #signature(credentials: Credentials, time: string, scope: string, canonicalRequest: string): string {
    const toSign = `${ALGORITHM}\n${time}\n${scope}\n${hash('sha256', canonicalRequest, 'hex')}`;
    return this.#key(credentials, time.slice(0, 8)).hex(toSign);
  }

  #key({ secretAccessKey: secret }: Credentials, day: string): HmacKey {
    if (this.#derived?.day !== day || this.#derived.secret !== secret) {
      const derived = [day, this.#region, this.#service, 'aws4_request'].reduce(
        (key: Buffer, text) => new HmacKey(key).digest(text),
        Buffer.from(`AWS4${secret}`),
      );
      this.#derived = { secret, day, key: new HmacKey(derived) };
    }
    return this.#derived.key;
  }

  /** `20260131T235959Z`. */
  #timeOf(now: number): string {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#time = new Date(second * 1000).toISOString().replace(/[-:]|\.\d{3}/g, '');
    }
    return this.#time;
  }
}

const NONE: ReadonlySet<string> = new Set();

function canonicalHeaders(
  host: string,
  headers: Readonly<Record<string, string>>,
  unsigned: ReadonlySet<string> = UNSIGNED_HEADERS,
): { readonly canonical: string; readonly names: string } {
  const names = Object.keys(headers).filter((name) => !unsigned.has(name));
  names.push('host');
  names.sort();
  let canonical = '';
  for (const name of names) {
    const value = name === 'host' ? host : (headers[name] as string);
    canonical += `${name}:${value.trim().replace(/\s+/g, ' ')}\n`;
  }
  return { canonical, names: names.join(';') };
}
