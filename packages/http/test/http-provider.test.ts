import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect, promisify } from 'node:util';
import { ATTEMPT_CHANNEL, createStorages, isStorageError, openBucket, retryLayer } from '@stowage/core';
import { checkRemoteLinks } from '@stowage/core/config';
import { describe, expect, it } from 'vitest';
import { http, httpDriver } from '../src/index.ts';
import { urlFault } from '../src/url-key.ts';
import { loopbackServer } from './loopback-server.ts';

describe('an entry of remote_links.yml', () => {
  it('says what may be reached', () => {
    expect(
      http.parseConfig({
        provider: 'http',
        allow_hosts: ['files.internal:9000'],
        allow_networks: ['10.0.0.0/8'],
        allow_ports: ['443', 9000],
        allow_http: true,
        max_size: '10g',
        max_redirects: '3',
        answer_timeout: '10s',
        silence_timeout: '1m',
        total_timeout: 7200,
        ca: 'PEM',
      }),
    ).toEqual({
      allowHosts: ['files.internal:9000'],
      allowNetworks: ['10.0.0.0/8'],
      allowPorts: [443, 9000],
      allowHttp: true,
      maxBytes: 10 * 1024 ** 3,
      maxRedirects: 3,
      answerTimeoutMs: 10_000,
      silenceMs: 60_000,
      totalMs: 7_200_000,
      ca: 'PEM',
    });
    expect(http.parseConfig({ provider: 'http' })).toEqual({});
  });

  it.each([
    ['', 'expected a mapping'],
    [[], 'expected a mapping'],
    [{ allow_hosts: 'x' }, 'allow_hosts: expected a list of texts'],
    [{ allow_hosts: ['a', 5] }, 'allow_hosts[1]: expected a text'],
    [{ allow_hosts: ['a/b'] }, 'allowHosts: expected hosts such as'],
    [{ allow_networks: ['10.0.0.1/8'] }, 'allowNetworks: expected networks such as'],
    [{ allow_ports: ['https'] }, 'allow_ports[0]: expected a whole number'],
    [{ allow_ports: [0] }, 'allowPorts: expected ports'],
    [{ allow_http: 'yes' }, 'allow_http: expected true or false'],
    [{ max_size: '10GB' }, 'max_size: expected "10g"'],
    [{ max_redirects: 100 }, 'expected "maxRedirects"'],
    [{ total_timeout: 'long' }, 'total_timeout: expected a duration'],
    [{ total_timeout: '30d' }, 'expected "totalMs"'],
    [{ ca: '' }, 'ca: expected a text'],
  ])('%j is refused', (entry, message) => {
    expect(() => http.parseConfig(entry)).toThrow(expect.objectContaining({ code: 'Config', message: expect.stringContaining(message) }));
  });

  it('is used for public links, which need none', async () => {
    await using server = await loopbackServer((_incoming, answer) => answer.writeHead(200, { 'content-length': '5' }).end('hello'));
    const link = `${server.origin}/a?x=1`;
    const options = { env: {}, folder: '/' };
    const config = checkRemoteLinks({ web: { provider: 'http', allow_hosts: [`127.0.0.1:${server.port}`] } }, options);
    await using allowed = createStorages({ providers: [http], config });
    const { bucket, key } = allowed.resolve(link);
    expect(await (await bucket.get(key)).text()).toBe('hello');
    await using strict = createStorages({ providers: [http], config: checkRemoteLinks({}, options) });
    await expect(strict.resolve(link).bucket.get(link)).rejects.toMatchObject({ code: 'AccessDenied' });
    expect(server.seen).toEqual(['GET /a?x=1']);
  });
});

describe('keys', () => {
  it.each([
    'https://example.org',
    'https://example.org/',
    'HTTPS://EXAMPLE.org:8443/A%20b//c.jpg?x=1&y=a/b',
    'http://[2001:db8::1]:8080/a',
    'https://example.org/grüße/日本 x.jpg?q=ü',
    'https://bücher.example/a+b',
    'https://example.org/a..b/...',
    'https://example.org/?a=%2e%2e',
  ])('%s is one', (key) => {
    expect(urlFault(key)).toBeUndefined();
  });

  it.each([
    ['example.org/a', 'begins with'],
    ['ftp://example.org/', 'begins with'],
    [' https://example.org/', 'begins with'],
    ['https://example.org/a ', 'space'],
    ['https://example.org/a\tb', 'control'],
    ['https://exam\nple.org/', 'control'],
    ['https://example.org\\@evil.test/', 'backslash'],
    ['https://example.org/a\\b', 'backslash'],
    ['https://user:canary@example.org/', 'user or a password'],
    ['https://canary@example.org/', 'user or a password'],
    ['https://example.org/a#b', '#'],
    ['https://example.org/a/%2e%2E/b', 'between slashes'],
    ['https://example.org/a/.%2e', 'between slashes'],
    ['https://example.org:99999/', 'host or port'],
    ['https:///a', 'no host'],
    ['https://?x', 'no host'],
    ['https://:443/', 'host or port'],
    ['https://exa mple/', 'host or port'],
    ['https://1.2.3.4.5/', 'host or port'],
    [`https://example.org/${'a'.repeat(8000)}`, 'longer'],
  ])('%j is none: %s', async (key, reason) => {
    expect(urlFault(key)).toContain(reason);
    expect(urlFault(key)).not.toContain('canary');
    await using bucket = openBucket(httpDriver());
    const error: unknown = await bucket.get(key).catch((fault: unknown) => fault);
    expect(isStorageError(error, 'InvalidKey')).toBe(true);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
  });
});

it('a signed link shows its signature nowhere: not in errors, however it fails, and not in events', async () => {
  let status = 200;
  await using server = await loopbackServer((incoming, answer) => {
    if (incoming.url?.startsWith('/redirect') === true) answer.writeHead(302, { location: 'http://10.0.0.1/x?sig=canary' }).end();
    else if (status === 200) answer.writeHead(200, { 'content-length': '10', etag: '"a"', 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }).end('0123456789');
    else if (status === 0) answer.writeHead(200, { 'content-length': '10' }).write('x', () => answer.destroy());
    else if (status === 1) answer.writeHead(200, { 'content-length': '10' }).write('x');
    else answer.writeHead(status).end();
  });
  const allowHosts = [`127.0.0.1:${server.port}`, '127.0.0.1:1', 'nowhere.invalid'];
  await using bucket = openBucket(httpDriver({ allowHosts, silenceMs: 200, maxBytes: 1000, maxSkippedBytes: 3, resolve: async () => [] }), {
    layers: [retryLayer({ attempts: 2, baseDelayMs: 1 })],
  });
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  subscribe(ATTEMPT_CHANNEL, listen);
  const url = `${server.origin}/a.bin?X-Amz-Signature=canary`;
  const at = (code: number, work: () => Promise<unknown>) => () => {
    status = code;
    return work();
  };
  const failing: readonly (() => Promise<unknown>)[] = [
    ...[302, 400, 401, 403, 404, 416, 429, 500].map((code) => at(code, () => bucket.get(url))),
    at(404, () => bucket.head(url)),
    at(200, async () => (await bucket.get(url)).bytes()),
    at(200, async () => (await bucket.get(url, { verify: false })).bytes(3)),
    at(200, () => bucket.get(url, { range: { start: 5 } })),
    at(200, () => bucket.get(url, { range: { start: 50 } })),
    at(200, () => bucket.get(url, { ifMatch: { etag: '"b"' } })),
    at(200, () => bucket.get(url, { ifNoneMatch: { etag: '"a"' } })),
    at(0, async () => (await bucket.get(url)).bytes()),
    at(1, async () => (await bucket.get(url)).bytes()),
    at(200, () => bucket.get(`${server.origin}/redirect?sig=canary`)),
    at(200, () => bucket.get('http://127.0.0.1:1/?sig=canary')),
    at(200, () => bucket.get('https://nowhere.invalid/?sig=canary')),
    at(200, () => bucket.get('https://10.0.0.1/?sig=canary')),
    at(200, () => bucket.get('https://example.org:22/?sig=canary')),
    at(200, () => bucket.get('http://example.org/?sig=canary')),
    at(200, () => bucket.get(`${url}#canary`)),
    at(200, () => bucket.put(url, 'x')),
    at(200, () => bucket.get(url, { timeoutMs: 1, range: { start: 50 } })),
  ];
  try {
    for (const [i, fails] of failing.entries()) {
      const error: unknown = await fails().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(isStorageError(error), `failure ${i}`).toBe(true);
      expect(inspect(error, { depth: 20, showHidden: true, getters: true }) + JSON.stringify(error), `failure ${i}`).not.toContain('canary');
    }
  } finally {
    unsubscribe(ATTEMPT_CHANNEL, listen);
  }
  expect(events.length).toBeGreaterThan(failing.length);
  expect(inspect(events, { depth: 5, maxArrayLength: null })).not.toContain('canary');
});

it('a body that breaks off is read on at its byte, pinned to its revision', async () => {
  const content = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
  let version = 1;
  await using server = await loopbackServer((incoming, answer) => {
    const start = Number(/^bytes=(\d+)-/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
    const end = Math.min(start + 300, 1000);
    answer.writeHead(incoming.headers.range === undefined ? 200 : 206, {
      etag: `"v${version}"`,
      'content-length': String(1000 - start),
      ...(incoming.headers.range === undefined ? {} : { 'content-range': `bytes ${start}-999/1000` }),
    });
    if (end === 1000) answer.end(content.subarray(start));
    else answer.write(content.subarray(start, end), () => setTimeout(() => answer.destroy(), 20));
  });
  await using bucket = openBucket(httpDriver({ allowHosts: [`127.0.0.1:${server.port}`] }), { layers: [retryLayer({ baseDelayMs: 1 })] });
  expect(Buffer.from(await (await bucket.get(`${server.origin}/a`)).bytes())).toEqual(content);
  expect(server.requests.map(({ headers }) => [headers.range, headers['if-match']])).toEqual([
    [undefined, undefined],
    ['bytes=300-999', '"v1"'],
    ['bytes=600-999', '"v1"'],
    ['bytes=900-999', '"v1"'],
  ]);
  const object = await bucket.get(`${server.origin}/a`);
  version = 2;
  await expect(object.bytes()).rejects.toMatchObject({ code: 'PreconditionFailed' });
});

it('loads undici and nothing of any cloud', async () => {
  const code = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    await import('@stowage/http');
    await import('@stowage/http/guarded-fetch');
    console.log(urls.join('\\n'));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@stowage/source', '--input-type=module', '-e', code], {
    cwd: new URL('..', import.meta.url),
  });
  const packages = new Set(stdout.split('\n').flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []));
  expect([...packages]).toEqual(['undici']);
  expect(stdout).toContain('/packages/core/src/index.ts');
});
