import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { openssl, opensslAccepts, temporaryFolder } from './openssl.ts';

/**
 * An endpoint of IAM Roles Anywhere that believes nothing. It rebuilds the canonical request from the bytes on the wire and
 * leaves the cryptography to the openssl program; it shares no code with the client.
 */
export interface Verifier extends AsyncDisposable {
  readonly endpoint: string;
  /** The requests as they came. */
  readonly received: readonly Buffer[];
  /** Why each was refused; an empty text where it was not. */
  readonly verdicts: readonly string[];
}

export interface VerifierOptions {
  /** PEM of the trust anchor. */
  readonly trustAnchor: string;
  readonly region: string;
  readonly arns: { readonly profileArn: string; readonly roleArn: string; readonly trustAnchorArn: string };
  /** The credentials to give, in the service's own spelling. */
  readonly give: (durationSeconds: number) => object | Promise<object>;
  readonly now?: () => number;
}

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The request in the bytes, or undefined while some are missing. */
export function parseWire(bytes: Buffer): WireRequest | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (headers.has(name)) throw new Error(`header ${name} twice`);
    headers.set(name, line.slice(colon + 1));
  }
  const length = Number(headers.get('content-length') ?? '0');
  const body = bytes.subarray(end + 4);
  if (body.length < length) return undefined;
  const mark = target.indexOf('?');
  return { method, path: mark < 0 ? target : target.slice(0, mark), query: mark < 0 ? '' : target.slice(mark + 1), headers, body: body.subarray(0, length) };
}

/** What must have been signed, by the rules of Signature Version 4. */
export function stringToSign(request: WireRequest, algorithm: string, scope: string, signedHeaders: string): string {
  const hash = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
  const sorted = request.query.split('&').sort().join('&');
  let canonical = `${request.method}\n${request.path}\n${sorted}\n`;
  for (const name of signedHeaders.split(';')) canonical += `${name}:${(request.headers.get(name) ?? '').trim().replace(/ +/g, ' ')}\n`;
  canonical += `\n${signedHeaders}\n${hash(request.body)}`;
  return `${algorithm}\n${(request.headers.get('x-amz-date') ?? '').trim()}\n${scope}\n${hash(canonical)}`;
}

/** A hexadecimal number in decimal, by school arithmetic. */
function decimal(hex: string): string {
  const digits = [0];
  for (const letter of hex) {
    let carry = '0123456789ABCDEF'.indexOf(letter.toUpperCase());
    if (carry < 0) throw new Error('no hexadecimal number');
    for (let i = 0; i < digits.length; i++) {
      const value = (digits[i] ?? 0) * 16 + carry;
      digits[i] = value % 10;
      carry = Math.floor(value / 10);
    }
    for (; carry > 0; carry = Math.floor(carry / 10)) digits.push(carry % 10);
  }
  return digits.reverse().join('');
}

const AUTHORIZATION = /^ ?(AWS4-X509-(?:RSA|ECDSA)-SHA256) Credential=([^/]+)\/([^,]+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]+)$/;

function verdictOn(request: WireRequest, options: VerifierOptions): string {
  const { headers } = request;
  if (request.method !== 'POST' || request.path !== '/sessions') return 'not CreateSession';
  const authorization = AUTHORIZATION.exec(headers.get('authorization') ?? '');
  if (authorization === null) return 'authorization is malformed';
  const [, algorithm = '', serial = '', scope = '', signedHeaders = '', signature = ''] = authorization;
  const mustSign = ['content-type', 'host', 'x-amz-date', 'x-amz-x509', ...(headers.has('x-amz-x509-chain') ? ['x-amz-x509-chain'] : [])];
  if (signedHeaders !== mustSign.join(';')) return `signed headers are ${signedHeaders}`;
  const date = (headers.get('x-amz-date') ?? '').trim();
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (parts === null) return 'date is malformed';
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  if (Math.abs((options.now ?? Date.now)() - Date.UTC(year, month - 1, day, hour, minute, second)) > 300_000) return 'date is stale';
  if (scope !== `${date.slice(0, 8)}/${options.region}/rolesanywhere/aws4_request`) return `scope is ${scope}`;

  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const header = (headers.get('x-amz-x509') ?? '').trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(header)) return 'x-amz-x509 is not one line of base64';
  writeFileSync(at('leaf.der'), Buffer.from(header, 'base64'));
  if (!opensslAccepts('x509', '-inform', 'DER', '-in', at('leaf.der'), '-out', at('leaf.pem'))) return 'no certificate';
  if (decimal(openssl('x509', '-in', at('leaf.pem'), '-noout', '-serial').trim().replace('serial=', '')) !== serial) return `serial is ${serial}`;
  if (/CA:TRUE/.test(openssl('x509', '-in', at('leaf.pem'), '-noout', '-text'))) return 'leaf is an authority';
  writeFileSync(at('root.pem'), options.trustAnchor);
  const chain = (headers.get('x-amz-x509-chain') ?? '')
    .trim()
    .split(',')
    .filter((one) => one !== '');
  let untrusted = '';
  let issuer = openssl('x509', '-in', at('leaf.pem'), '-noout', '-issuer').replace('issuer=', '');
  for (const one of chain) {
    writeFileSync(at('one.der'), Buffer.from(one, 'base64'));
    untrusted += openssl('x509', '-inform', 'DER', '-in', at('one.der'));
    if (openssl('x509', '-inform', 'DER', '-in', at('one.der'), '-noout', '-subject').replace('subject=', '') !== issuer) return 'chain is out of order';
    issuer = openssl('x509', '-inform', 'DER', '-in', at('one.der'), '-noout', '-issuer').replace('issuer=', '');
  }
  writeFileSync(at('chain.pem'), untrusted);
  if (!opensslAccepts('verify', '-x509_strict', '-CAfile', at('root.pem'), ...(untrusted === '' ? [] : ['-untrusted', at('chain.pem')]), at('leaf.pem')))
    return 'chain is not trusted';
  writeFileSync(at('public.pem'), openssl('x509', '-in', at('leaf.pem'), '-noout', '-pubkey'));
  const kind = /Modulus/.test(openssl('pkey', '-pubin', '-in', at('public.pem'), '-noout', '-text')) ? 'RSA' : 'ECDSA';
  if (algorithm !== `AWS4-X509-${kind}-SHA256`) return `algorithm is ${algorithm}`;
  writeFileSync(at('signed'), stringToSign(request, algorithm, scope, signedHeaders));
  writeFileSync(at('signature'), Buffer.from(signature, 'hex'));
  if (!opensslAccepts('dgst', '-sha256', '-verify', at('public.pem'), '-signature', at('signature'), at('signed'))) return 'signature is wrong';

  const expected = Object.entries(options.arns).map(([name, arn]) => `${name}=${arn.replaceAll(':', '%3A').replaceAll('/', '%2F')}`);
  if (request.query !== expected.sort().join('&')) return `query is ${request.query}`;
  return '';
}

export async function rolesAnywhereVerifier(options: VerifierOptions): Promise<Verifier> {
  const received: Buffer[] = [];
  const verdicts: string[] = [];
  const sockets = new Set<Socket>();
  async function serve(bytes: Buffer, request: WireRequest, socket: Socket): Promise<void> {
    received.push(bytes);
    const verdict = verdictOn(request, options);
    verdicts.push(verdict);
    if (verdict !== '') {
      reply(socket, '403 Forbidden', { message: verdict }, 'x-amzn-errortype: AccessDeniedException:http://internal.amazon.com/\r\n');
      return;
    }
    const duration = /^\{"durationSeconds":(\d+)\}$/.exec(request.body.toString('utf8'))?.[1];
    if (duration === undefined) throw new Error('no duration');
    const credentials = await options.give(Number(duration));
    reply(socket, '201 Created', { credentialSet: [{ credentials }], subjectArn: 'arn:aws:rolesanywhere:::subject/x' }, '');
  }
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const request = parseWire(bytes);
      if (request !== undefined) serve(bytes, request, socket).catch((error: unknown) => socket.destroy(error instanceof Error ? error : undefined));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    received,
    verdicts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function reply(socket: Socket, status: string, body: object, headers: string): void {
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status}\r\ndate: ${new Date().toUTCString()}\r\ncontent-type: application/json\r\n${headers}content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}
