import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { withinDeadline } from '../../src/credentials/deadline.ts';
import { serviceRequest, type ServiceRequest } from '../../src/credentials/service-request.ts';
import { failureOf } from './services/canaries.ts';
import { loopbackService, nothingListening } from './services/loopback-service.ts';
import { type Issued, issue, openssl, temporaryFolder } from './services/openssl.ts';

const ask = (url: string, more: Partial<ServiceRequest> = {}): ReturnType<typeof serviceRequest> =>
  serviceRequest('the service', { method: 'GET', url: new URL(url), timeoutMs: 5_000, signal: new AbortController().signal, ...more });

/** A certificate of the loopback's address. */
function loopbackCertificate(): Issued {
  using folder = temporaryFolder();
  const key = join(folder.path, 'key');
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
  const certificate = openssl('req', '-x509', '-key', key, '-subj', '/CN=loopback', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2');
  return { certificate, privateKey: openssl('pkey', '-in', key) };
}

describe('serviceRequest', () => {
  it('sends what it is given, and follows nothing', async () => {
    await using elsewhere = await loopbackService(() => ({ body: 'elsewhere' }));
    await using service = await loopbackService(() => ({ status: 302, headers: { location: elsewhere.endpoint }, body: 'here' }));
    expect(await ask(`${service.endpoint}/a?b`, { method: 'POST', headers: { 'x-one': '1' }, body: Buffer.from('body') })).toMatchObject({
      status: 302,
      text: 'here',
    });
    expect(service.asked[0]).toMatchObject({ method: 'POST', path: '/a?b', body: 'body', headers: { 'x-one': '1', 'content-length': '4' } });
    expect(elsewhere.asked).toEqual([]);
  });

  it('trusts the given authority, and no other', async () => {
    const { certificate, privateKey } = loopbackCertificate();
    const server = createServer({ cert: certificate, key: privateKey }, (_, response) => response.end('safe')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      expect((await ask(`https://127.0.0.1:${port}/`, { ca: certificate })).text).toBe('safe');
      expect(await failureOf(() => ask(`https://127.0.0.1:${port}/`))).toMatchObject({ code: 'Config', message: expect.stringMatching(/is not trusted \(/) });
      expect(await failureOf(() => ask(`https://127.0.0.1:${port}/`, { ca: issue({ name: 'other', ca: true }).certificate }))).toMatchObject({
        code: 'Config',
      });
      expect(await failureOf(() => ask(`https://localhost:${port}/`, { ca: certificate }))).toMatchObject({
        code: 'Config',
        message: expect.stringMatching(/ERR_TLS_CERT_ALTNAME_INVALID/),
      });
      expect(await failureOf(() => ask(`http://127.0.0.1:${port}/`))).toMatchObject({ code: 'Unavailable' });
    } finally {
      server.close();
    }
  });

  it('says why there was no answer', async () => {
    expect(await failureOf(() => ask('http://no-such-name.invalid/'))).toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/"no-such-name.invalid" is not known to DNS/),
    });
    const closed = await nothingListening();
    expect(await failureOf(() => ask(closed))).toMatchObject({ code: 'Unavailable', message: expect.stringMatching(/nothing listens/) });
    await using reset = await loopbackService(() => ({ reset: true }));
    expect(await failureOf(() => ask(reset.endpoint))).toMatchObject({ code: 'Unavailable', retryable: true, message: expect.stringMatching(/broke off/) });
    await using silent = await loopbackService(() => ({ hang: true }));
    expect(await failureOf(() => ask(silent.endpoint, { timeoutMs: 50 }))).toMatchObject({
      code: 'Timeout',
      message: 'the service gave no answer within 0.05 s',
    });
    await using partial = await loopbackService(() => ({ headers: { 'content-length': '100' }, body: 'half' }));
    expect(await failureOf(() => ask(partial.endpoint))).toMatchObject({ code: 'Unavailable', message: expect.stringMatching(/broke off/) });
    await using stalled = await loopbackService(() => ({ stall: true, body: 'half' }));
    expect(await failureOf(() => ask(stalled.endpoint, { timeoutMs: 200 }))).toMatchObject({ code: 'Timeout' });
  });

  it('asks no proxy of the environment', async () => {
    await using proxy = await loopbackService(() => ({ body: 'proxy' }));
    await using service = await loopbackService(() => ({ body: 'service' }));
    const module = new URL('../../src/credentials/service-request.ts', import.meta.url).href;
    const script = `const { serviceRequest } = await import(${JSON.stringify(module)});
      const { text } = await serviceRequest('x', { method: 'GET', url: new URL(${JSON.stringify(service.endpoint)}), timeoutMs: 5000, signal: new AbortController().signal });
      process.stdout.write(text);`;
    const env = { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.endpoint, http_proxy: proxy.endpoint, NO_PROXY: '', no_proxy: '' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@stowage/source', '--input-type=module', '-e', script], { env });
    expect(stdout).toBe('service');
    expect(proxy.asked).toEqual([]);
  });
});

describe('withinDeadline', () => {
  it('ends a step that does not listen', async () => {
    expect(await failureOf(() => withinDeadline(undefined, 20, 'the step', () => new Promise(() => {})))).toMatchObject({
      code: 'Timeout',
      message: 'the step gave no answer within 0.02 s',
    });
  });

  it('ends steps inside of it, with its own words', async () => {
    const failure = await failureOf(() =>
      withinDeadline(undefined, 20, 'the outer step', (signal) => withinDeadline({ signal }, 10_000, 'the inner step', () => new Promise(() => {}))),
    );
    expect(failure.message).toMatch(/^the outer step/);
  });

  it('gives the caller’s own reason, before and during', async () => {
    const reason = new Error('enough');
    await expect(withinDeadline({ signal: AbortSignal.abort(reason) }, 1000, 'x', async () => 1)).rejects.toBe(reason);
    const abort = new AbortController();
    const running = withinDeadline({ signal: abort.signal }, 1000, 'x', async () => {
      abort.abort(reason);
      throw new Error('something of the step');
    });
    await expect(running).rejects.toBe(reason);
  });
});
