import { execFile } from 'node:child_process';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { localAuthority } from '@stowage/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { guardedClient, headerText } from '../src/guarded-fetch/index.ts';
import { ends, failure, guard, hello, type Listener, reaching, serve, text } from './guard-scene.ts';
import type { LoopbackServer } from './loopback-server.ts';

describe('what may be asked', () => {
  it.each([
    ['https://files.internal/a', { allowHosts: ['files.internal'] }],
    ['https://FILES.internal./a', { allowHosts: ['files.internal'] }],
    ['http://files.internal/a', { allowHosts: ['Files.Internal.'] }],
    ['http://files.internal:9000/a', { allowHosts: ['files.internal:9000'] }],
    ['http://a.b.lab.internal/a', { allowHosts: ['*.lab.internal'] }],
    ['http://a.lab.internal:9000/a', { allowHosts: ['*.lab.internal:9000'] }],
    ['https://xn--bcher-kva.test/', { allowHosts: ['bücher.test'] }],
    ['http://10.1.2.3/', { allowNetworks: ['10.0.0.0/8'] }],
    ['http://10.1.2.3:8080/', { allowNetworks: ['10.1.2.3'] }],
    ['http://10.1.2.3:9000/', { allowHosts: ['10.1.2.3:9000'] }],
    ['http://[fd12::5]/', { allowNetworks: ['fd12::/16'] }],
    ['http://[fd12::5]:9000/', { allowHosts: ['[fd12::5]:9000'] }],
    ['https://example.org:9000/', { allowPorts: [9000] }],
    ['http://example.org/', { allowHttp: true }],
    ['https://169.254.169.254/', { allowNetworks: ['169.254.169.254'] }],
    ['https://[64:ff9b::808:808]/', { allowNetworks: ['64:ff9b::/96'] }],
    ['https://[64:ff9b::10.1.2.3]/', { allowNetworks: ['64:ff9b::/96', '10.0.0.0/8'] }],
  ] as const)('%s with %j', (url, options) => {
    expect(() => guard(options).check(url)).not.toThrow();
  });

  it.each([
    ['https://other.internal:9000/a', { allowHosts: ['files.internal:9000'] }, 'port 9000'],
    ['http://files.internal/a', { allowHosts: ['files.internal:9000'] }, 'plain http'],
    ['https://lab.internal:9000/a', { allowHosts: ['*.lab.internal:9000'] }, 'port 9000'],
    ['http://evil-lab.internal/a', { allowHosts: ['*.lab.internal'] }, 'plain http'],
    ['http://files.internal.evil.test/a', { allowHosts: ['files.internal'] }, 'plain http'],
    ['https://10.1.2.3:9001/', { allowHosts: ['10.1.2.3:9000'] }, 'private'],
    ['https://10.1.2.3:9001/', { allowNetworks: ['10.0.0.0/8'] }, 'port 9001'],
    ['http://169.254.169.254/', {}, 'metadata'],
    ['https://10.1.2.3/', { allowHosts: ['10.1.2.3:9000'] }, 'private'],
    ['https://11.0.0.1:22/', {}, 'port 22'],
    ['https://11.0.0.1:6379/', {}, 'port 6379'],
    ['http://11.0.0.1/', {}, 'plain http'],
    ['https://10.1.2.3/', { allowHttp: true, allowPorts: [443] }, 'private'],
    ['https://169.254.169.254/', { allowNetworks: ['169.254.0.0/16'] }, 'metadata'],
    ['https://169.254.169.254/', { allowNetworks: ['0.0.0.0/0'] }, 'metadata'],
    ['https://169.254.169.254/', { allowHosts: ['169.254.169.254'] }, 'metadata'],
    ['https://168.63.129.16/', { allowNetworks: ['168.63.129.0/24'] }, 'Azure'],
    ['https://[64:ff9b::10.1.2.3]/', { allowNetworks: ['64:ff9b::/96'] }, 'a way to 10.1.2.3, a private address'],
    ['https://[64:ff9b::169.254.169.254]/', { allowNetworks: ['::/0', '0.0.0.0/0'] }, 'a way to 169.254.169.254'],
    ['https://[::ffff:10.1.2.3]/', { allowNetworks: ['10.0.0.0/8'] }, 'IPv4-mapped'],
    ['https://user@example.org/', {}, 'user or a password'],
    ['https://user:pass@example.org/', {}, 'user or a password'],
    ['https://:pass@example.org/', {}, 'user or a password'],
    ['ftp://example.org/', {}, 'expected https:// or http://'],
    ['file:///etc/passwd', {}, 'expected https:// or http://'],
    ['data:text/plain,x', {}, 'expected https:// or http://'],
    ['example.org', {}, 'expected an http URL'],
    ['', {}, 'expected an http URL'],
    ['https://exa mple.org/', {}, 'expected an http URL'],
  ] as const)('%s with %j is refused: %s', async (url, options, reason) => {
    const client = guard(options);
    expect(() => client.check(url)).toThrow(reason);
    const { message, code, retryable } = await failure(client.fetch(url));
    expect(message).toContain(reason);
    expect(['AccessDenied', 'InvalidArgument']).toContain(code);
    expect(retryable).toBe(false);
    expect(message).not.toMatch(/pass@|\n/);
  });

  it.each([
    { allowHosts: [''] },
    { allowHosts: ['http://x'] },
    { allowHosts: ['a/b'] },
    { allowHosts: ['*'] },
    { allowHosts: ['a.*.b'] },
    { allowHosts: ['*.10.0.0.1'] },
    { allowHosts: ['user@x'] },
    { allowHosts: ['x:99999'] },
    { allowHosts: ['x:0'] },
    { allowNetworks: ['files.internal'] },
    { allowNetworks: ['10.0.0.1/8'] },
    { allowNetworks: ['10.0.0.0/33'] },
    { allowPorts: [0] },
    { allowPorts: [65_536] },
    { maxBytes: -1 },
    { maxRedirects: 21 },
    { totalMs: 2 ** 31 },
    { connections: 0 },
  ])('%j is no configuration', (options) => {
    expect(() => guardedClient(options)).toThrow(expect.objectContaining({ code: 'Config' }));
  });
});

describe('requests', () => {
  it('an allowed host is fetched, and says nothing that was not said to it', async () => {
    const server = await serve(hello);
    const answer = await reaching([server]).fetch(`${server.origin}/a%20b?x=1#part`, { headers: { 'X-Mine': 'yes' } });
    expect([answer.status, answer.url, await text(answer), headerText(answer.headers, 'content-length')]).toEqual([
      200,
      `${server.origin}/a%20b?x=1`,
      'hello',
      '5',
    ]);
    expect(server.seen).toEqual(['GET /a%20b?x=1']);
    expect(server.requests[0]?.headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      connection: 'keep-alive',
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'stowage',
      'x-mine': 'yes',
    });
  });

  it.each(['Host', 'connection', 'Transfer-Encoding', 'content-length', 'expect'])('the header %s is not the caller’s', async (name) => {
    const server = await serve(hello);
    await expect(reaching([server]).fetch(server.origin, { headers: { [name]: 'x' } })).rejects.toMatchObject({ code: 'InvalidArgument' });
    expect(server.seen).toEqual([]);
  });

  it('connections are kept for the next request, also behind bodies that nobody read', async () => {
    const server = await serve(hello);
    const client = reaching([server]);
    for (let i = 0; i < 5; i++) {
      const answer = await client.fetch(server.origin);
      if (i % 2 === 0) await text(answer);
      else answer.body.close();
    }
    expect(server.seen.length).toBe(5);
    // A body that is given up runs out while the next request goes ahead on a second connection; ended, each would cost a new one.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it('a body is read once', async () => {
    const server = await serve(hello);
    const answer = await reaching([server]).fetch(server.origin);
    await text(answer);
    await expect(text(answer)).rejects.toMatchObject({ code: 'InvalidArgument' });
    answer.body.close();
  });

  it('no proxy of the environment is used', async () => {
    const server = await serve(hello);
    const proxy = await serve((_incoming, answer) => void answer.writeHead(200).end('from the proxy'));
    const child = join(import.meta.dirname, 'children/fetch-once.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@stowage/source', child, server.origin], {
      env: {
        ...process.env,
        NODE_USE_ENV_PROXY: '1',
        http_proxy: proxy.origin,
        HTTP_PROXY: proxy.origin,
        https_proxy: proxy.origin,
        ALL_PROXY: proxy.origin,
        no_proxy: '',
        NO_PROXY: '',
      },
    });
    expect(stdout).toBe('hello');
    expect(proxy.connections()).toBe(0);
  });
});

describe('TLS', () => {
  it('certificates are verified, whatever the environment says', async () => {
    await using authority = await localAuthority();
    const { certificate, key } = await authority.issue('127.0.0.1');
    const server = createServer({ cert: certificate, key }, hello);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    ends.push({
      async [Symbol.asyncDispose](): Promise<void> {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    });
    const allowHosts = [`127.0.0.1:${port}`, `named.test:${port}`, `localhost:${port}`];
    const resolve = async (): Promise<readonly { address: string; family: 4 }[]> => [{ address: '127.0.0.1', family: 4 }];
    const trusting = guard({ allowHosts, resolve, ca: authority.ca });
    expect(await text(await trusting.fetch(`https://127.0.0.1:${port}/`))).toBe('hello');
    expect(await text(await trusting.fetch(`https://localhost:${port}/`))).toBe('hello');
    await expect(trusting.fetch(`https://named.test:${port}/`)).rejects.toMatchObject({
      code: 'Unavailable',
      retryable: false,
      message: expect.stringContaining('for another host'),
    });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      await expect(guard({ allowHosts, resolve }).fetch(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({
        code: 'Unavailable',
        retryable: false,
        message: expect.stringContaining('not of an authority that is trusted'),
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('redirects', () => {
  const redirect =
    (to: string, status = 302): Listener =>
    (_incoming, answer) =>
      void answer.writeHead(status, { location: to }).end();

  it.each([301, 302, 303, 307, 308])('with status %i are followed, absolute and relative, by the same method', async (status) => {
    const server = await serve((incoming, answer) => {
      if (incoming.url === '/a/b') redirect('../c?d=1#e', status)(incoming, answer);
      else if (incoming.url === '/c?d=1') redirect(`http://127.0.0.1:${server.port}/end`, status)(incoming, answer);
      else hello(incoming, answer);
    });
    const answer = await reaching([server]).fetch(`${server.origin}/a/b`, { headers: { range: 'bytes=0-' } });
    expect([await text(answer), answer.url]).toEqual(['hello', `${server.origin}/end`]);
    (await reaching([server]).fetch(`${server.origin}/a/b`, { method: 'HEAD' })).body.close();
    expect(server.seen).toEqual(['GET /a/b', 'GET /c?d=1', 'GET /end', 'HEAD /a/b', 'HEAD /c?d=1', 'HEAD /end']);
    expect(server.requests[2]?.headers.range).toBe('bytes=0-');
  });

  it('to another origin get no credentials, no cookies and no header that is not harmless; and never get them back', async () => {
    const given = {
      authorization: 'Bearer canary',
      cookie: 'a=canary',
      'proxy-authorization': 'canary',
      'x-api-key': 'canary',
      'x-amz-security-token': 'canary',
      range: 'bytes=0-4',
      'if-none-match': '"x"',
      'user-agent': 'mine',
    };
    const home: LoopbackServer = await serve((incoming, answer) =>
      incoming.url === '/start' ? redirect(`${away.origin}/away`)(incoming, answer) : hello(incoming, answer),
    );
    const away: LoopbackServer = await serve((incoming, answer) => {
      answer.setHeader('set-cookie', 'evil=1');
      redirect(incoming.url === '/away' ? '/away2' : `${home.origin}/home`)(incoming, answer);
    });
    await text(await reaching([home, away]).fetch(`${home.origin}/start`, { headers: given }));
    expect(home.requests[0]?.headers).toMatchObject(given);
    for (const { headers } of [...away.requests, ...home.requests.slice(1)]) {
      expect(Object.keys(headers).toSorted()).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'if-none-match', 'range', 'user-agent']);
      expect(JSON.stringify(headers)).not.toContain('canary');
    }
    expect(away.seen).toEqual(['GET /away', 'GET /away2']);
    expect(home.seen).toEqual(['GET /start', 'GET /home']);
  });

  it('in a circle, and one too many, are refused', async () => {
    const circle = await serve((incoming, answer) => redirect(incoming.url === '/a' ? '/b' : '/a')(incoming, answer));
    await expect(reaching([circle]).fetch(`${circle.origin}/a`)).rejects.toMatchObject({
      code: 'Unavailable',
      retryable: false,
      message: expect.stringContaining('circle'),
    });
    expect(circle.seen).toEqual(['GET /a', 'GET /b']);
    const endless = await serve((incoming, answer) => redirect(`${incoming.url}x`)(incoming, answer));
    await expect(reaching([endless]).fetch(`${endless.origin}/`)).rejects.toMatchObject({
      code: 'Unavailable',
      retryable: false,
      message: expect.stringContaining('5 redirects'),
    });
    expect(endless.seen.length).toBe(6);
    await expect(reaching([endless], { maxRedirects: 0 }).fetch(`${endless.origin}/`)).rejects.toMatchObject({
      message: expect.stringContaining('0 redirects'),
    });
  });

  it.each([
    ['http://user:canary@127.0.0.1/', 'InvalidArgument'],
    ['ftp://127.0.0.1/', 'InvalidArgument'],
    ['file:///etc/passwd', 'InvalidArgument'],
    ['http://127.0.0.1:1/', 'AccessDenied'],
    ['http://example.org/', 'AccessDenied'],
    ['https://example.org:22/', 'AccessDenied'],
    ['//169.254.169.254/latest/', 'AccessDenied'],
    ['http://[::1]/', 'AccessDenied'],
    ['http://0x7f.1/', 'AccessDenied'],
    ['http://exa mple/', 'Unavailable'],
  ])('to %s is refused', async (to, code) => {
    const server = await serve(redirect(to));
    const error = await failure(reaching([server]).fetch(server.origin));
    expect(error).toMatchObject({ code, retryable: false });
    expect(error.message).toContain('redirects to');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
    expect(server.seen).toEqual(['GET /']);
  });

  it('from https to http are refused, also where http is allowed', async () => {
    await using authority = await localAuthority();
    const { certificate, key } = await authority.issue('127.0.0.1');
    const plain = await serve(hello);
    const server = createServer({ cert: certificate, key }, redirect(`${plain.origin}/`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = reaching([plain], { allowHosts: [`127.0.0.1:${port}`, `127.0.0.1:${plain.port}`], allowHttp: true, ca: authority.ca });
    await expect(client.fetch(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('plain http') });
    expect(plain.seen).toEqual([]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('a status of a redirect without a place to go is the caller’s to judge', async () => {
    const server = await serve((_incoming, answer) => void answer.writeHead(302).end());
    const answer = await reaching([server]).fetch(server.origin);
    answer.body.close();
    expect(answer.status).toBe(302);
  });
});
