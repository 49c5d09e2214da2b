import { quoted } from '../wording/quoted.ts';

export type ReadEndpoint =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly expected: string; readonly got: string; readonly advice?: string };

export interface EndpointOptions {
  /** A port beside the endpoint, as `STORAGE_PORT` has it. */
  readonly port?: number;
  /** Whether a path may follow the host, as emulators of Azure have it. Default false. */
  readonly path?: boolean;
}

/** Ports that speak TLS where no scheme says otherwise; 9000 and its like speak plain http. */
const TLS_PORTS: ReadonlySet<number> = new Set([443, 8443]);
const EXPECTED = 'a host such as s3.amazonaws.com, with or without https:// and a port';

/**
 * The URL of a store from what people write: `s3.amazonaws.com`, `minio.local:9000`, `https://account.blob.core.windows.net`.
 * A scheme decides about TLS; without one the port does, and without a port it is https.
 */
export function readEndpoint(text: string, o: EndpointOptions = {}): ReadEndpoint {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return { ok: false, expected: EXPECTED, got: `the scheme ${quoted(scheme, 20)}` };
  // `URL` would drop tabs and line ends, and take a backslash for a slash.
  const url = /[\s\\]|\p{Cc}/u.test(text) ? null : URL.parse(scheme === undefined ? `https://${text}` : text);
  if (url === null || url.hostname === '') return { ok: false, expected: EXPECTED, got: /[?@#]/.test(text) ? 'something else' : quoted(text, 80) };
  const fault = partTooMuch(url, o.path ?? false);
  if (fault) return { ok: false, ...fault };
  const written = writtenPort(text);
  if (o.port !== undefined && written !== undefined && written !== o.port)
    return { ok: false, expected: 'one port', got: `${written} in the endpoint and ${o.port} beside it` };
  const port = written ?? o.port;
  url.protocol = scheme ?? (port === undefined || TLS_PORTS.has(port) ? 'https' : 'http');
  if (port !== undefined) url.port = String(port);
  return { ok: true, url: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}` };
}

/** Credentials in an endpoint would be told in messages and logs, and no provider reads them there. */
function partTooMuch(url: URL, path: boolean): { readonly expected: string; readonly got: string; readonly advice?: string } | undefined {
  if (url.username !== '' || url.password !== '')
    return { expected: EXPECTED, got: 'a user name before the host', advice: 'put credentials into access_key and secret_key' };
  if (url.search !== '') return { expected: EXPECTED, got: 'a query behind it', advice: 'a SAS token belongs into secret_key, beginning with "?"' };
  if (url.hash !== '') return { expected: EXPECTED, got: 'a "#" in it' };
  if (!path && url.pathname.replaceAll('/', '') !== '') return { expected: EXPECTED, got: 'a path behind the host', advice: 'buckets belong into "buckets"' };
  return undefined;
}

/** The port as written: `URL` forgets the default one of its scheme. */
function writtenPort(text: string): number | undefined {
  const authority = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/s, '');
  const digits = /:(\d+)$/.exec(authority)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether the endpoint is Amazon's own: instance roles exist nowhere else. */
export function isAwsEndpoint(url: string): boolean {
  return /(?:^|\.)amazonaws\.com(?:\.cn)?$/.test(new URL(url).hostname);
}
