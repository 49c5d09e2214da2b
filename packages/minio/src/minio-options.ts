import { hash } from 'node:crypto';
import { quoted, StorageError } from '@stowage/core';
import { readCertificates } from './certificates/pem.ts';
import { anonymous } from './credentials/anonymous.ts';
import { isAwsHost } from './credentials/aws-domain.ts';
import { cachedCredentials } from './credentials/cached-credentials.ts';
import type { Credentials, CredentialSource } from './credentials/credentials.ts';
import { staticKeys } from './credentials/static-keys.ts';
import { type StoreKind } from './store-limits.ts';
import { regionInHost } from './wire/address.ts';

/** How buckets of one endpoint are opened. */
export interface MinioOptions {
  /** `s3.amazonaws.com`, `https://minio.local:9000`. Without a scheme it is https, but http where a port other than 443 or 8443 is given. */
  readonly endpoint: string;
  /** Keys; a function that gives them (asked again before they expire); or `'anonymous'`, for what is open to everyone. Nothing falls back to anything. */
  readonly credentials: Credentials | CredentialSource | 'anonymous';
  /** Default: the one in the endpoint's name; on `s3.amazonaws.com` the bucket is asked for its own; elsewhere `us-east-1`. */
  readonly region?: string;
  /** Whether the bucket stands in the path, not in the host's name. Default: false on AWS, true elsewhere. */
  readonly pathStyle?: boolean;
  /** What is known of the server: see README, Keys and Conditions. Default: `aws` on Amazon's hosts, else `s3`. */
  readonly store?: StoreKind;
  /** PEM of certificate authorities to trust instead of those of Node. */
  readonly ca?: string;
  /** `lean`: get, head, put, part, copy and list go as signed requests of our own. `sdk`: everything goes through `@aws-sdk/client-s3`. Default `lean`. */
  readonly transport?: 'lean' | 'sdk';
  /** Whether the content's SHA-256 is part of the signature. `auto`: over http yes, over https no, where TLS keeps it whole (a CRC32 goes along always). Default `auto`. */
  readonly signPayload?: 'auto' | 'always' | 'never';
  /** Say true where no object is encrypted with KMS or keys of the caller: the ETag of an object written at once is then its MD5, and told as such. Default false. */
  readonly etagIsMd5?: boolean;
  /** Whether the buckets keep versions: reads and deletions may then name one. Default false. */
  readonly versioned?: boolean;
  /** Bytes a part, at least 5 MiB; content up to it goes in one request. Default 8 MiB; streams that are longer, or of unknown size, go in parts of 5 MiB, as these are held in memory. */
  readonly partSize?: number;
  /** Parts in flight at once in one put: it holds `partSize * concurrency` bytes at most. Default 4; 3 for streams. */
  readonly concurrency?: number;
  /** Connections to the server at most; they are opened as requests need them. Default 256. */
  readonly connections?: number;
  /** Milliseconds until a connection must stand. Default 4,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until an answer must begin, behind the request's last byte or without progress of it. Default 300,000: a completion of thousands of parts takes minutes. */
  readonly answerTimeoutMs?: number;
  /** Milliseconds that a body may be silent. Default 60,000. */
  readonly silenceMs?: number;
}

/** The options with their defaults. */
export interface MinioSettings extends Required<Omit<MinioOptions, 'credentials' | 'endpoint' | 'region' | 'pathStyle' | 'ca'>> {
  readonly endpoint: URL;
  readonly credentials: CredentialSource;
  /** Equal where two buckets are opened by one identity: the source itself, or a hash of the keys. */
  readonly identity: unknown;
  readonly region: string | undefined;
  readonly pathStyle: boolean | undefined;
  readonly ca: string | undefined;
  /** Bytes a part of content that comes as a stream. */
  readonly streamPartSize: number;
  readonly streamConcurrency: number;
}

const MIB = 1024 * 1024;

/** Throws `Config` where an option cannot work; no I/O. */
export function minioSettings(o: MinioOptions): MinioSettings {
  const endpoint = endpointUrl(o.endpoint);
  const partSize = o.partSize ?? 8 * MIB;
  if (!Number.isInteger(partSize) || partSize < 5 * MIB || partSize > 5 * 1024 * MIB)
    throw config(`partSize: expected 5 MiB to 5 GiB in bytes, got ${partSize}`);
  for (const name of ['concurrency', 'connections'] as const) {
    const value = o[name] ?? 1;
    if (!Number.isInteger(value) || value < 1) throw config(`${name}: expected a whole number, 1 or more; got ${value}`);
  }
  if (o.region !== undefined && !/^[A-Za-z0-9][\w-]{0,63}$/.test(o.region))
    throw config(`region: expected a name such as eu-central-1, got ${quoted(o.region)}`);
  return {
    endpoint,
    credentials: credentialSource(o.credentials),
    identity: identityOf(o.credentials),
    region: o.region ?? regionInHost(endpoint.hostname),
    pathStyle: o.pathStyle,
    store: o.store ?? (isAwsHost(endpoint.hostname) ? 'aws' : 's3'),
    // Written anew: what was pasted into a setting may have lost its line ends, and TLS would trust nobody then, without a word.
    ca: o.ca === undefined ? undefined : readCertificates('ca', o.ca).join(''),
    transport: o.transport ?? 'lean',
    signPayload: o.signPayload ?? 'auto',
    etagIsMd5: o.etagIsMd5 ?? false,
    versioned: o.versioned ?? false,
    partSize,
    concurrency: o.concurrency ?? 4,
    streamPartSize: o.partSize ?? 5 * MIB,
    streamConcurrency: o.concurrency ?? 3,
    connections: o.connections ?? 256,
    connectTimeoutMs: o.connectTimeoutMs ?? 4_000,
    answerTimeoutMs: o.answerTimeoutMs ?? 300_000,
    silenceMs: o.silenceMs ?? 60_000,
  };
}

function credentialSource(given: MinioOptions['credentials']): CredentialSource {
  if (given === 'anonymous') return anonymous();
  return typeof given === 'function' ? cachedCredentials(given) : staticKeys(given);
}

function identityOf(given: MinioOptions['credentials']): unknown {
  if (typeof given !== 'object') return given;
  return hash('sha256', JSON.stringify([given.accessKeyId, given.secretAccessKey, given.sessionToken ?? '']), 'base64');
}

/** Ports that speak TLS where no scheme says otherwise. */
const TLS_PORTS: ReadonlySet<string> = new Set(['', '443', '8443']);

function endpointUrl(text: string): URL {
  const scheme = /^(https?):\/\//i.exec(text)?.[1]?.toLowerCase();
  const url = /[\s\\@?#]/.test(text) || (scheme === undefined && text.includes('://')) ? null : URL.parse(scheme === undefined ? `https://${text}` : text);
  if (url === null || url.hostname === '' || url.pathname !== '/')
    throw config(`endpoint: expected a host such as s3.amazonaws.com, with or without https:// and a port${/[@?#]/.test(text) ? '' : `, got ${quoted(text)}`}`);
  if (scheme === undefined && !TLS_PORTS.has(url.port)) url.protocol = 'http:';
  return url;
}

function config(message: string): StorageError {
  return new StorageError('Config', message, { provider: 'minio' });
}
