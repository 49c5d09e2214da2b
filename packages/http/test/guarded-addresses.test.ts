import { isIPv6 } from 'node:net';
import { type StorageError, isStorageError } from '@stowage/core';
import { afterAll, describe, expect, it, test } from 'vitest';
import { type GuardedClient, guardedClient, type GuardOptions, type Resolve } from '../src/guarded-fetch/index.ts';
import { hostOf, PUBLIC, REFUSED } from './addresses.ts';
import { dnsServer } from './dns-server.ts';
import { loopbackServer } from './loopback-server.ts';

/** Where every refused connection would end up if it were made to this machine. */
const server = await loopbackServer((incoming, answer) => {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://x');
  if (pathname === '/redirect') answer.writeHead(302, { location: searchParams.get('to') ?? '' }).end();
  else answer.writeHead(200, { 'content-length': 5, connection: 'close' }).end('hello');
});
afterAll(() => server[Symbol.asyncDispose]());

/** The strictest guard that can reach the server's port at all, so that the address alone decides. */
function client(options: GuardOptions = {}): GuardedClient {
  return guardedClient({ allowHttp: true, allowPorts: [server.port], ...options });
}

const answering = (addresses: readonly string[]): Resolve => {
  return async () => addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
};

async function refusal(work: Promise<unknown>): Promise<StorageError> {
  const before = server.connections();
  const error: unknown = await work.then(
    () => 'it was not refused',
    (reason: unknown) => reason,
  );
  if (!isStorageError(error, 'AccessDenied')) throw new Error(`expected AccessDenied, got ${String(error)}`);
  expect(error.retryable).toBe(false);
  expect(error.message).not.toMatch(/\n/);
  expect(server.connections(), 'connections').toBe(before);
  return error;
}

describe.each(REFUSED)('%s', (address, reason) => {
  test('as a literal', async () => {
    await using guard = client();
    expect((await refusal(guard.fetch(`http://${hostOf(address)}:${server.port}/`))).message).toContain(reason);
    expect(() => guard.check(`http://${hostOf(address)}:${server.port}/`)).toThrow(reason);
  });

  test("as a name's answer, alone and among allowed ones", async () => {
    for (const answers of [[address], ['127.0.0.1', address], [address, '127.0.0.1'], ['8.8.8.8', '2606:4700:4700::1111', address]]) {
      await using guard = client({ allowNetworks: address === '127.0.0.1' ? [] : ['127.0.0.1'], resolve: answering(answers) });
      expect((await refusal(guard.fetch(`http://name.test:${server.port}/`))).message).toContain(reason);
    }
  });

  test('as the target of a redirect, and as the answer for its name', async () => {
    const resolve: Resolve = async (name) => answering([name === 'start.test' ? '127.0.0.1' : address])(name);
    await using guard = client({ allowHosts: [`start.test:${server.port}`], resolve });
    for (const host of [hostOf(address), 'evil.test']) {
      // The first connection is allowed, and made before the count begins.
      const start = `http://start.test:${server.port}`;
      await (await guard.fetch(`${start}/`)).body.bytes();
      const before = server.seen.length;
      const error: unknown = await guard.fetch(`${start}/redirect?to=${encodeURIComponent(`http://${host}:${server.port}/`)}`).catch((e: unknown) => e);
      expect(isStorageError(error, 'AccessDenied') && error.message).toContain(reason);
      expect(server.seen.length, 'requests').toBe(before + 1);
    }
  });
});

it.each(REFUSED.filter(([address]) => address !== '127.0.0.1'))(
  '%s is refused as the second answer for a name whose first was allowed',
  async (address, reason) => {
    let asked = 0;
    const resolve: Resolve = async (name) => answering([asked++ === 0 ? '127.0.0.1' : address])(name);
    await using guard = client({ allowNetworks: ['127.0.0.1'], resolve });
    const answer = await guard.fetch(`http://rebinding.test:${server.port}/`);
    expect(Buffer.from(await answer.body.bytes()).toString()).toBe('hello');
    expect(asked, 'a name is asked for once, and that answer is connected to').toBe(1);
    expect((await refusal(guard.fetch(`http://rebinding.test:${server.port}/`))).message).toContain(reason);
    expect(asked).toBe(2);
  },
);

test('there are some forty refused addresses of each kind', () => {
  expect(REFUSED.filter(([address]) => !isIPv6(address)).length).toBeGreaterThanOrEqual(30);
  expect(REFUSED.filter(([address]) => isIPv6(address)).length).toBeGreaterThanOrEqual(30);
});

it.each(PUBLIC)('%s passes the check', (address) => {
  const guard = guardedClient({ allowHttp: true });
  expect(() => guard.check(`https://${hostOf(address)}/`)).not.toThrow();
  expect(() => guard.check(`http://${hostOf(address)}:8080/`)).not.toThrow();
});

it.each([
  '127.1',
  '127.0.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '127.0.0.1.',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '[::0:1]',
  '0',
  '0.0.0.0',
])('the host %s is what it stands for', async (host) => {
  await using guard = client();
  expect((await refusal(guard.fetch(`http://${host}:${server.port}/`))).message).toMatch(/loopback|mapped|this machine/);
});

it.each(['[fe80::1%25eth0]', '[fe80::1%eth0]', '[::1%lo]', '1.2.3.4.5', '256.1.1.1', '0x100000000'])('the host %s is no host', async (host) => {
  await using guard = client();
  await expect(guard.fetch(`http://${host}/`)).rejects.toMatchObject({ code: 'InvalidArgument' });
});

it.each(['localhost', 'LOCALHOST'])("this machine's own name %s is refused by its address", async (name) => {
  // The system's resolver, as for any user.
  await using guard = client();
  expect((await refusal(guard.fetch(`http://${name}:${server.port}/`))).message).toContain('loopback');
});

it('an address with a zone in an answer is refused', async () => {
  await using guard = client({ resolve: answering(['fe80::1%eth0']) });
  expect((await refusal(guard.fetch(`http://name.test:${server.port}/`))).message).toContain('zone');
});

describe('with a real DNS server', () => {
  it('an allowed host is fetched, by either look-up', async () => {
    await using dns = await dnsServer(() => ['127.0.0.1']);
    await using guard = client({ allowHosts: [`files.test:${server.port}`], resolve: dns.resolve });
    const answer = await guard.fetch(`http://files.test:${server.port}/`);
    expect(Buffer.from(await answer.body.bytes()).toString()).toBe('hello');
    expect(dns.asked).toEqual(['files.test']);
  });

  it('every refused address is refused as its answer', async () => {
    await using dns = await dnsServer((name) => [REFUSED[Number(/^n(\d+)/.exec(name)?.[1])]?.[0] ?? '']);
    await using guard = client({ resolve: dns.resolve });
    for (const [i, [, reason]] of REFUSED.entries()) expect((await refusal(guard.fetch(`http://n${i}.test:${server.port}/`))).message).toContain(reason);
    expect(dns.asked.length).toBe(REFUSED.length);
  });

  it('an answer that changes is judged again, and no other than the judged one is connected to', async () => {
    await using dns = await dnsServer((_name, query) => (query === 0 ? ['127.0.0.1'] : ['127.0.0.2', '169.254.169.254']));
    await using guard = client({ allowNetworks: ['127.0.0.1', '127.0.0.2'], resolve: dns.resolve });
    await (await guard.fetch(`http://rebinding.test:${server.port}/`)).body.bytes();
    expect(dns.asked.length).toBe(1);
    expect((await refusal(guard.fetch(`http://rebinding.test:${server.port}/`))).message).toContain('metadata');
  });

  it('a name without an address is told as no host', async () => {
    await using dns = await dnsServer(() => []);
    await using guard = client({ resolve: dns.resolve });
    await expect(guard.fetch(`http://none.test:${server.port}/`)).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
  });
});
