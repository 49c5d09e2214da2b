/**
 * S3 as a test sees it past everything of Stowage: requests signed from the protocol's description with the crypto of Node, listings
 * decoded here. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { createHash, createHmac } from 'node:crypto';
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

export interface PlainServer {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly ca?: string | undefined;
}

interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An object as the server keeps it. */
export interface PlainObject {
  readonly sha256: string;
  readonly size: number;
  readonly headers: IncomingHttpHeaders;
}

export function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

export async function makeBucket(server: PlainServer, bucket: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const answer = await send(server, 'PUT', `/${bucket}`, []);
    // MinIO says that it is ready a moment before it is.
    if (answer.status === 503 && attempt < 50) await delay(100);
    else return expectStatus(answer, 200);
  }
}

export async function putObject(
  server: PlainServer,
  bucket: string,
  key: string,
  content: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  expectStatus(await send(server, 'PUT', `/${bucket}/${encoded(key, true)}`, [], content, headers), 200);
}

export async function getObject(server: PlainServer, bucket: string, key: string): Promise<PlainObject> {
  const { status, headers, body } = await send(server, 'GET', `/${bucket}/${encoded(key, true)}`, []);
  if (status !== 200) throw new Error(`GET of ${JSON.stringify(key)} answers ${status}: ${body.toString().slice(0, 300)}`);
  return { sha256: sha256Of(body), size: body.length, headers };
}

/** Keys of MinIO's root for an hour, with a policy that takes the rest away: its token service gives them without an account being made. */
export async function restrictedKeys(
  server: PlainServer,
  policy: object,
): Promise<Required<Pick<PlainServer, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>>> {
  const form = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', DurationSeconds: '3600', Policy: JSON.stringify(policy) }).toString();
  const answer = await send(server, 'POST', '/', [], form, { 'content-type': 'application/x-www-form-urlencoded' }, 'sts');
  expectStatus(answer, 200);
  const xml = answer.body.toString();
  const field = (name: string): string => unescaped(new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '');
  return { accessKeyId: field('AccessKeyId'), secretAccessKey: field('SecretAccessKey'), sessionToken: field('SessionToken') };
}

/** Every key of the bucket, in the server's order. */
export async function listKeys(server: PlainServer, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for (let token: string | undefined; ;) {
    const query = [['encoding-type', 'url'], ['list-type', '2'], ['max-keys', '37'], ...(token === undefined ? [] : [['continuation-token', token]])];
    const answer = await send(server, 'GET', `/${bucket}`, query as [string, string][]);
    expectStatus(answer, 200);
    const xml = answer.body.toString('utf8');
    const decoded = xml.includes('<EncodingType>url</EncodingType>');
    for (const [, written = ''] of xml.matchAll(/<Contents>.*?<Key>(.*?)<\/Key>/gs)) {
      const text = unescaped(written);
      keys.push(decoded ? decodeURIComponent(text.replaceAll('+', '%20')) : text);
    }
    const next = /<NextContinuationToken>(.*?)<\/NextContinuationToken>/s.exec(xml)?.[1];
    if (!xml.includes('<IsTruncated>true</IsTruncated>') || next === undefined) return keys;
    token = unescaped(next);
  }
}

/** Content of every object, by key: what the bucket really holds. */
export async function contentsOf(server: PlainServer, bucket: string): Promise<Readonly<Record<string, string>>> {
  const found: [string, string][] = [];
  for (const key of await listKeys(server, bucket)) found.push([key, (await getObject(server, bucket, key)).sha256]);
  return Object.fromEntries(found);
}

function expectStatus({ status, body }: PlainAnswer, wanted: number): void {
  if (status !== wanted) throw new Error(`the server answers ${status}: ${body.toString().slice(0, 500)}`);
}

/** One signed request. The path is sent as it is given. */
async function send(
  server: PlainServer,
  method: string,
  path: string,
  query: readonly (readonly [string, string])[],
  content: string | Uint8Array = '',
  extra: Readonly<Record<string, string>> = {},
  service: 's3' | 'sts' = 's3',
): Promise<PlainAnswer> {
  const url = new URL(server.endpoint);
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const hash = sha256Of(content);
  const headers: Record<string, string> = { ...extra, host: url.host, 'x-amz-content-sha256': hash, 'x-amz-date': stamp };
  const names = Object.keys(headers).toSorted();
  const queryText = query
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');
  const canonical = [method, path, queryText, ...names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}`), '', names.join(';'), hash].join(
    '\n',
  );
  const scope = `${stamp.slice(0, 8)}/${server.region}/${service}/aws4_request`;
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${server.secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', stamp, scope, sha256Of(canonical)].join('\n')).toString('hex');
  headers['authorization'] = `AWS4-HMAC-SHA256 Credential=${server.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = open(
      {
        host: url.hostname,
        port: url.port,
        method,
        path: queryText === '' ? path : `${path}?${queryText}`,
        headers: { ...headers, 'content-length': Buffer.byteLength(content) },
        agent: false,
        ...(server.ca === undefined ? {} : { ca: server.ca }),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }));
      },
    );
    request.on('error', reject);
    request.end(content);
  });
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** RFC 3986, byte by byte. */
function encoded(text: string, keepSlash = false): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(character) || (keepSlash && character === '/') ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(xml: string): string {
  return xml.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex?: string, decimal?: string, name = '') => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return decimal === undefined ? (ENTITIES[String(name)] ?? whole) : String.fromCodePoint(Number(decimal));
  });
}
