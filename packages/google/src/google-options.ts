import { quoted, StorageError } from '@stowage/core';
import { anonymous } from './sign-in/anonymous.ts';
import { type ServiceAccountKey, serviceAccount } from './sign-in/service-account.ts';
import type { SignIn } from './sign-in/sign-in.ts';

/** How buckets of Google Cloud Storage are opened. */
export interface GoogleOptions {
  /** The fields of a service account's file, a way to sign in made by one of the functions here, or `'anonymous'` for what is open to everyone. Nothing falls back to anything. */
  readonly credentials: ServiceAccountKey | SignIn | 'anonymous';
  /** Default `https://storage.googleapis.com`. Without a scheme it is https, but http where a port other than 443 or 8443 is given. */
  readonly endpoint?: string;
  /** Who pays for requests to a bucket that has the requester pay, and whose quota counts: a project's id. Default: the bucket's. */
  readonly userProject?: string;
  /** The project that new buckets belong to: its id. Default: that of the service account's file. */
  readonly project?: string;
  /** PEM of certificate authorities to trust instead of those of Node. */
  readonly ca?: string;
  /** Whether the buckets keep versions: reads and deletions may then name one. Default false. */
  readonly versioned?: boolean;
  /** Bytes a chunk of content that goes in chunks; a multiple of 256 KiB. Content up to it goes in one request. Default 8 MiB. */
  readonly chunkSize?: number;
  /** Connections to the service at most; they are opened as requests need them. Default 256. */
  readonly connections?: number;
  /** Milliseconds until a connection must stand. Default 4,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until an answer must begin, behind the request's last byte or without progress of it. Default 120,000. */
  readonly answerTimeoutMs?: number;
  /** Milliseconds that a body may be silent. Default 60,000. */
  readonly silenceMs?: number;
}

/** The options with their defaults. */
export interface GoogleSettings extends Required<Omit<GoogleOptions, 'credentials' | 'endpoint' | 'ca' | 'userProject' | 'project'>> {
  readonly endpoint: URL;
  readonly signIn: SignIn;
  readonly ca: string | undefined;
  readonly userProject: string | undefined;
  readonly project: string | undefined;
}

/** Chunks of a resumable upload are multiples of it: https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload */
export const CHUNK_UNIT: number = 256 * 1024;
/** Of projects new and old: an id, a number, or a domain before them. */
const PROJECT_ID = /^[\w.:-]{1,100}$/;
const MIB = 1024 * 1024;

/** Throws `Config` where an option cannot work; no I/O. */
export function googleSettings(o: GoogleOptions): GoogleSettings {
  const endpoint = endpointUrl(o.endpoint ?? 'https://storage.googleapis.com');
  const chunkSize = o.chunkSize ?? 8 * MIB;
  if (!Number.isInteger(chunkSize) || chunkSize < CHUNK_UNIT || chunkSize % CHUNK_UNIT !== 0 || chunkSize > 1024 * MIB)
    throw config(`chunkSize: expected a multiple of ${CHUNK_UNIT} bytes up to 1 GiB, got ${chunkSize}`);
  const { connections = 256 } = o;
  if (!Number.isInteger(connections) || connections < 1) throw config(`connections: expected a whole number, 1 or more; got ${connections}`);
  for (const name of ['userProject', 'project'] as const) {
    const id = o[name];
    if (id !== undefined && !PROJECT_ID.test(id)) throw config(`${name}: expected a project's id, got ${quoted(id)}`);
  }
  return {
    endpoint,
    signIn: signInOf(o.credentials),
    ca: o.ca,
    userProject: o.userProject,
    project: o.project,
    versioned: o.versioned ?? false,
    chunkSize,
    connections,
    connectTimeoutMs: o.connectTimeoutMs ?? 4_000,
    answerTimeoutMs: o.answerTimeoutMs ?? 120_000,
    silenceMs: o.silenceMs ?? 60_000,
  };
}

function signInOf(given: GoogleOptions['credentials']): SignIn {
  if (given === 'anonymous') return anonymous();
  return 'token' in given ? given : serviceAccount(given);
}

/** Ports that speak TLS where no scheme says otherwise. */
const TLS_PORTS: ReadonlySet<string> = new Set(['', '443', '8443']);
/** Hosts of web pages, for people. */
const CONSOLES: ReadonlySet<string> = new Set(['console.cloud.google.com', 'storage.cloud.google.com', 'console.developers.google.com', 'cloud.google.com']);

function endpointUrl(text: string): URL {
  const scheme = /^(https?):\/\//i.exec(text)?.[1]?.toLowerCase();
  const url = /[\s\\@]/.test(text) || (scheme === undefined && text.includes('://')) ? null : URL.parse(scheme === undefined ? `https://${text}` : text);
  if (url !== null && CONSOLES.has(url.hostname))
    throw config(`endpoint: ${url.hostname} is Google's page for people in a browser; the service is storage.googleapis.com, which is the default`);
  if (url === null || url.hostname === '' || url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw config(
      `endpoint: expected a host such as storage.googleapis.com, with or without https:// and a port${/[@?#]/.test(text) ? '' : `, got ${quoted(text)}`}`,
    );
  if (scheme === undefined && !TLS_PORTS.has(url.port)) url.protocol = 'http:';
  return url;
}

function config(message: string): StorageError {
  return new StorageError('Config', message, { provider: 'google' });
}
