import { constants, createPrivateKey, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { rolesAnywhere, type RolesAnywhereOptions } from '../../src/credentials/roles-anywhere.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { loopbackService, nothingListening } from './services/loopback-service.ts';
import { issue, type Issued } from './services/openssl.ts';
import { parseWire, rolesAnywhereVerifier, stringToSign, type Verifier } from './services/roles-anywhere-verifier.ts';

const REGION = 'eu-central-1';
const ARNS = {
  profileArn: `arn:aws:rolesanywhere:${REGION}:111122223333:profile/0a1b2c3d-0000-1111-2222-333344445555`,
  roleArn: 'arn:aws:iam::111122223333:role/path/stowage',
  trustAnchorArn: `arn:aws:rolesanywhere:${REGION}:111122223333:trust-anchor/9a8b7c6d-0000-1111-2222-333344445555`,
};
const GIVEN = {
  accessKeyId: CANARY.accessKeyId,
  secretAccessKey: CANARY.secretAccessKey,
  sessionToken: CANARY.sessionToken,
  expiration: '2099-01-01T00:00:00Z',
};

const made = {} as Record<'root' | 'middle' | 'lower' | 'rsa' | 'ec' | 'rsaBelow' | 'ecBelow' | 'other', Issued>;

beforeAll(() => {
  made.root = issue({ name: 'root', ca: true, key: 'rsa' });
  made.middle = issue({ name: 'middle', ca: true, issuer: made.root, serial: '7' });
  made.lower = issue({ name: 'lower', ca: true, issuer: made.middle, serial: '8' });
  made.rsa = issue({ name: 'rsa', key: 'rsa', issuer: made.root });
  // Node shows this serial with leading letters and an even number of digits; its first bit is set.
  made.ec = issue({ name: 'ec', key: 'ec', issuer: made.root, serial: '0x00F1E2D3C4B5A69788796A5B4C3D2E1F00' });
  made.rsaBelow = issue({ name: 'rsa-below', key: 'rsa', issuer: made.lower, serial: '1' });
  made.ecBelow = issue({ name: 'ec-below', key: 'ec', issuer: made.lower, serial: '0x0A' });
  made.other = issue({ name: 'other', ca: true });
});

function options(pair: Issued, endpoint: string, more: Partial<RolesAnywhereOptions> = {}): RolesAnywhereOptions {
  return { certificate: pair.certificate, privateKey: pair.privateKey, ...ARNS, endpoint, ...more };
}

async function verifier(trustAnchor = made.root.certificate): Promise<Verifier> {
  return await rolesAnywhereVerifier({ trustAnchor, region: REGION, arns: ARNS, give: () => GIVEN });
}

/** Sends bytes as they are, and gives the answer's status. */
async function sendRaw(endpoint: string, bytes: Buffer): Promise<number> {
  const url = new URL(endpoint);
  const socket = connect(Number(url.port), url.hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(bytes);
  await once(socket, 'close');
  return Number(/^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(chunks).toString('latin1'))?.[1]);
}

/** One request of our client that was accepted, to be tampered with. */
async function accepted(service: Verifier, pair: Issued): Promise<string> {
  await rolesAnywhere(options(pair, service.endpoint))();
  expect(service.verdicts.at(-1)).toBe('');
  return service.received.at(-1)?.toString('latin1') ?? '';
}

/** The request with its signature made anew, in another way. */
function resigned(text: string, signWith: (signed: Buffer) => Buffer): string {
  const request = parseWire(Buffer.from(text, 'latin1'));
  const [, algorithm = '', scope = '', headers = ''] = /authorization: (\S+) Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+),/i.exec(text) ?? [];
  if (request === undefined) throw new Error('no request');
  const signature = signWith(Buffer.from(stringToSign(request, algorithm, scope, headers)));
  return text.replace(/Signature=[0-9a-f]+/, `Signature=${signature.toString('hex')}`);
}

describe('the verifier', () => {
  const tampered: [string, 'ec' | 'rsa', (text: string) => string, RegExp][] = [
    ['a flipped bit in the body', 'ec', (text) => text.replace('"durationSeconds":3600', '"durationSeconds":3601'), /signature/],
    [
      'a flipped bit in the signature',
      'rsa',
      (text) => text.replace(/Signature=([0-9a-f])/, (_, digit: string) => `Signature=${(Number.parseInt(digit, 16) ^ 1).toString(16)}`),
      /signature/,
    ],
    ['another role', 'ec', (text) => text.replace('path%2Fstowage', 'path%2Fstowagf'), /signature|query/],
    ['another host', 'ec', (text) => text.replace(/host: [^\r]+/i, 'host: example.com'), /signature/],
    ['a hexadecimal serial', 'rsa', (text) => text.replace('Credential=3735928559/', 'Credential=DEADBEEF/'), /serial/],
    ['another date in the scope', 'ec', (text) => text.replace(/(Credential=\d+\/)\d{8}/, '$120200101'), /scope/],
    ['another region', 'ec', (text) => text.replace(`/${REGION}/rolesanywhere/aws4`, '/us-east-1/rolesanywhere/aws4'), /scope/],
    ['a header left unsigned', 'ec', (text) => text.replace('SignedHeaders=content-type;', 'SignedHeaders='), /signed headers/],
    ['the algorithm of the other kind of key', 'ec', (text) => text.replace('AWS4-X509-ECDSA', 'AWS4-X509-RSA'), /algorithm/],
    [
      'IEEE P1363 instead of DER',
      'ec',
      (text) => resigned(text, (signed) => sign('sha256', signed, { key: made.ec.privateKey, dsaEncoding: 'ieee-p1363' })),
      /signature/,
    ],
    [
      'PSS instead of PKCS#1 v1.5',
      'rsa',
      (text) => resigned(text, (signed) => sign('sha256', signed, { key: made.rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })),
      /signature/,
    ],
    ['SHA-512 instead of SHA-256', 'rsa', (text) => resigned(text, (signed) => sign('sha512', signed, made.rsa.privateKey)), /signature/],
  ];

  it.each(tampered)('refuses %s', async (_, kind, tamper, reason) => {
    await using service = await verifier();
    const original = await accepted(service, made[kind]);
    const changed = tamper(original);
    expect(changed).not.toBe(original);
    expect(await sendRaw(service.endpoint, Buffer.from(changed, 'latin1'))).toBe(403);
    expect(service.verdicts.at(-1)).toMatch(reason);
    // And it does not refuse by the way in which it was sent.
    expect(await sendRaw(service.endpoint, Buffer.from(original, 'latin1'))).toBe(201);
  });

  it('accepts what it would refuse otherwise when it is signed again in the right way', async () => {
    await using service = await verifier();
    const original = await accepted(service, made.ec);
    const again = resigned(original.replace('"durationSeconds":3600', '"durationSeconds":3601'), (signed) =>
      sign('sha256', signed, createPrivateKey(made.ec.privateKey)),
    );
    expect(await sendRaw(service.endpoint, Buffer.from(again, 'latin1'))).toBe(201);
  });

  it('refuses a stale date, a certificate of another authority, and an authority in the place of the client', async () => {
    await using service = await verifier();
    await failureOf(rolesAnywhere(options(made.ec, service.endpoint, { now: () => new Date(Date.now() + 301_000) })));
    expect(service.verdicts.at(-1)).toBe('date is stale');
    await failureOf(rolesAnywhere(options(issue({ name: 'stray', issuer: made.other }), service.endpoint)));
    expect(service.verdicts.at(-1)).toBe('chain is not trusted');
    const original = await accepted(service, made.ec);
    const leaf = /x-amz-x509: (\S+)/i.exec(original)?.[1] ?? '';
    const authority = made.other.certificate.replace(/-----[^-]+-----|\s/g, '');
    const asLeaf = original.replace(leaf, authority).replace(/Credential=\d+/, 'Credential=3735928559');
    expect(await sendRaw(service.endpoint, Buffer.from(asLeaf, 'latin1'))).toBe(403);
    expect(service.verdicts.at(-1)).toBe('leaf is an authority');
  });
});

describe('rolesAnywhere', () => {
  it.each(['rsa', 'ec'] as const)('signs in with a certificate of the trust anchor itself: %s', async (kind) => {
    await using service = await verifier();
    const credentials = await rolesAnywhere(options(made[kind], service.endpoint))();
    expect(service.verdicts).toEqual(['']);
    expect(credentials).toEqual({ ...GIVEN, expiration: new Date(GIVEN.expiration) });
  });

  it.each(['rsaBelow', 'ecBelow'] as const)('signs in with two authorities in between, whatever their order: %s', async (kind) => {
    await using service = await verifier();
    const { middle, lower, root } = made;
    for (const certificates of [
      [made[kind], lower, middle],
      [middle, lower, made[kind]],
      [made[kind], middle, root, lower],
    ]) {
      await rolesAnywhere(options({ ...made[kind], certificate: certificates.map(({ certificate }) => certificate).join('\n') }, service.endpoint))();
    }
    expect(service.verdicts).toEqual(['', '', '']);
    const chain = service.received.map((bytes) => /x-amz-x509-chain: (\S+)/i.exec(bytes.toString('latin1'))?.[1]?.split(',').length);
    expect(chain).toEqual([2, 2, 2]);
    await failureOf(rolesAnywhere(options(made[kind], service.endpoint)));
    expect(service.verdicts.at(-1)).toBe('chain is not trusted');
  });

  it('takes base64, wrapped or not, SEC1 and PKCS#1 keys', async () => {
    await using service = await verifier();
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const wrapped = (text: string): string => base64(text).replace(/.{76}/g, '$&\n  ');
    const sec1 = createPrivateKey(made.ec.privateKey).export({ format: 'pem', type: 'sec1' }).toString();
    const pkcs1 = createPrivateKey(made.rsa.privateKey).export({ format: 'pem', type: 'pkcs1' }).toString();
    await rolesAnywhere(options({ certificate: base64(made.ec.certificate), privateKey: wrapped(sec1) }, service.endpoint))();
    await rolesAnywhere(options({ certificate: wrapped(made.rsa.certificate), privateKey: base64(pkcs1) }, service.endpoint))();
    await rolesAnywhere(
      options({ certificate: made.ec.certificate.replaceAll('\n', '\\n'), privateKey: made.ec.privateKey.replaceAll('\n', ' ') }, service.endpoint),
    )();
    expect(service.verdicts).toEqual(['', '', '']);
  });

  it('asks for the wanted duration, between its limits', async () => {
    await using service = await verifier();
    await rolesAnywhere(options(made.ec, service.endpoint, { durationSeconds: 900 }))();
    expect(service.received.at(-1)?.toString('latin1')).toMatch(/\r\n\r\n\{"durationSeconds":900\}$/);
    for (const durationSeconds of [899, 43_201, 1000.5, Number.NaN])
      expect(() => rolesAnywhere(options(made.ec, service.endpoint, { durationSeconds }))).toThrow(/900 to 43200/);
  });

  it('asks the service of the trust anchor’s own region and partition', async () => {
    const { trustAnchorArn, profileArn } = ARNS;
    expect(() => rolesAnywhere({ ...options(made.ec, 'http://127.0.0.1'), profileArn: profileArn.replace(REGION, 'us-east-1') })).toThrow(
      'profile_arn is in the region "us-east-1" and trust_anchor_arn in "eu-central-1"; both must be in the same one',
    );
    const china = (arn: string): string => arn.replace('arn:aws:', 'arn:aws-cn:').replace(REGION, 'cn-north-1');
    const abort = new AbortController();
    abort.abort(new Error('no request may leave'));
    const { endpoint: _, ...own } = { ...options(made.ec, ''), trustAnchorArn: china(trustAnchorArn), profileArn: china(profileArn) };
    await expect(rolesAnywhere(own)({ signal: abort.signal })).rejects.toThrow('no request may leave');
  });

  it('tries again when the service fails, signed anew', async () => {
    let calls = 0;
    let time = Date.now();
    await using service = await loopbackService(() =>
      ++calls < 3 ? { status: 503 } : { status: 201, body: JSON.stringify({ credentialSet: [{ credentials: GIVEN }] }) },
    );
    const source = rolesAnywhere(options(made.ec, service.endpoint, { now: () => new Date((time += 1000)) }));
    expect((await source()).accessKeyId).toBe(GIVEN.accessKeyId);
    expect(new Set(service.asked.map(({ headers }) => headers['x-amz-date'])).size).toBe(3);
  });

  it('tells once of an end within 30 days and once of one within 7', async () => {
    await using service = await loopbackService(() => ({
      status: 201,
      headers: { date: '' },
      body: JSON.stringify({ credentialSet: [{ credentials: GIVEN }] }),
    }));
    const notices: string[] = [];
    let days = 0;
    const source = rolesAnywhere(
      options(made.ec, service.endpoint, { now: () => new Date(Date.now() + days * 86_400_000), onNotice: (notice) => notices.push(notice) }),
    );
    for (days of [0, 59, 61, 62, 82, 84, 85]) await source();
    expect(notices).toEqual([expect.stringMatching(/within 30 days, at 20/), expect.stringMatching(/within 7 days, at 20/)]);
    days = 91;
    const failure = await failureOf(source);
    expect(failure).toMatchObject({ code: 'Unauthenticated', message: expect.stringMatching(/^iam_role_cert: the certificate expired at 20/) });
    expect(service.asked).toHaveLength(7);
  });

  const refusals: [string, { status: number; headers?: Record<string, string>; body: string }, string, RegExp][] = [
    [
      'by a header',
      { status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException:http://x/' }, body: '{"message":"Untrusted certificate"}' },
      'AccessDenied',
      /Untrusted certificate.*trust policy/,
    ],
    [
      'by __type and Message',
      { status: 404, body: '{"__type":"com.amazonaws#ResourceNotFoundException","Message":"no profile"}' },
      'Config',
      /no profile.*profile_arn/,
    ],
    ['by code', { status: 400, body: '{"code":"ValidationException","message":"bad arn"}' }, 'Config', /bad arn/],
    ['of a signature', { status: 403, body: '{"code":"SignatureDoesNotMatchException","message":"no"}' }, 'Unauthenticated', /SignatureDoesNotMatch/],
    ['of a proxy', { status: 404, body: '<html>not here</html>' }, 'Config', /check the endpoint/],
    [
      'that says too much',
      {
        status: 403,
        headers: { 'x-amzn-errortype': 'AccessDeniedException' },
        body: JSON.stringify({ message: `token=${CANARY.sessionToken} -----BEGIN PRIVATE KEY-----\nabc\n\nnext` }),
      },
      'AccessDenied',
      /redacted/,
    ],
    ['without JSON after success', { status: 201, body: CANARY.secretAccessKey }, 'Unavailable', /not JSON/],
    ['without credentials', { status: 201, body: `{"x":"${CANARY.secretAccessKey}"}` }, 'Unavailable', /without credentials/],
    [
      'without an expiry that is one',
      { status: 201, body: JSON.stringify({ credentialSet: [{ credentials: { ...GIVEN, expiration: CANARY.sessionToken } }] }) },
      'Unavailable',
      /expiration/,
    ],
    [
      'of the clock',
      { status: 403, headers: { date: 'Sat, 01 Jan 2000 00:00:00 GMT' }, body: '{"code":"AccessDeniedException"}' },
      'Unauthenticated',
      /clock of this machine is \d+ minutes ahead/,
    ],
  ];
  it.each(refusals)('tells a refusal %s in plain words', async (_, reply, code, words) => {
    await using service = await loopbackService(() => reply);
    const failure = await failureOf(rolesAnywhere(options(made.ec, service.endpoint)), [
      ...Object.values(CANARY).slice(1),
      made.ec.privateKey.split('\n')[1] ?? '',
    ]);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(words) });
  });

  it('says so where nothing listens, where TLS is missing, and where nobody answers', async () => {
    expect(await failureOf(rolesAnywhere(options(made.ec, await nothingListening())))).toMatchObject({
      code: 'Unavailable',
      attempts: 3,
      message: expect.stringMatching(/nothing listens/),
    });
    await using service = await loopbackService(() => ({ hang: true }));
    expect(await failureOf(rolesAnywhere(options(made.ec, service.endpoint.replace('http:', 'https:'))))).toMatchObject({
      code: 'Config',
      message: expect.stringMatching(/does not speak TLS/),
    });
    expect(await failureOf(rolesAnywhere(options(made.ec, service.endpoint)))).toMatchObject({
      code: 'Timeout',
      message: expect.stringMatching(/no answer within/),
    });
    const abort = new AbortController();
    const call = rolesAnywhere(options(made.ec, service.endpoint))({ signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(call).rejects.toThrow('enough');
  });
});
