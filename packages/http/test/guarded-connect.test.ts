import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { guardLimits } from '../src/guarded-fetch/guard-options.ts';
import { GuardPolicy, type HostPlace } from '../src/guarded-fetch/guard-policy.ts';
import { guardedConnect } from '../src/guarded-fetch/guarded-connect.ts';
import { ends, hello, serve } from './guard-scene.ts';
import { loopbackServer } from './loopback-server.ts';

function connect(policy: GuardPolicy, hostname: string, port: number): Promise<Socket> {
  const connector = guardedConnect(policy, guardLimits({}), { resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
  return new Promise((resolve, reject) => {
    connector({ hostname, protocol: 'http:', port: String(port) }, (...[error, socket]) => (socket === null ? reject(error) : resolve(socket)));
  });
}

it.each(['127.0.0.1', '[::1]', '::1', '169.254.169.254'])('a connection to the literal %s is refused, whoever asks for it', async (hostname) => {
  const server = await serve(hello);
  await expect(connect(new GuardPolicy({}), hostname, server.port)).rejects.toMatchObject({ code: 'AccessDenied' });
  expect(server.connections()).toBe(0);
});

it('a socket that ended up where it may not be is closed before a byte is sent', async () => {
  /** Lets the look-up pass, as a resolver underneath that answers behind the guard's back would. */
  class TrustsTheFirst extends GuardPolicy {
    #asked = 0;
    override assertAddress(text: string, place: HostPlace): void {
      if (this.#asked++ > 0) super.assertAddress(text, place);
    }
  }
  const server = await loopbackServer(hello);
  ends.push(server);
  await expect(connect(new TrustsTheFirst({}), 'name.test', server.port)).rejects.toMatchObject({
    code: 'AccessDenied',
    message: expect.stringContaining('"name.test" leads to 127.0.0.1'),
  });
  expect(server.seen).toEqual([]);
});

it('an allowed one is handed over', async () => {
  const server = await serve(hello);
  const socket = await connect(new GuardPolicy({ allowHosts: [`name.test:${server.port}`] }), 'name.test', server.port);
  expect(socket.remoteAddress).toBe('127.0.0.1');
  socket.destroy();
});
