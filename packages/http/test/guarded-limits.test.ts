import { getEventListeners } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { expect, it, test } from 'vitest';
import { ends, guard, hello, reaching, serve } from './guard-scene.ts';
import { rawServer } from './loopback-server.ts';

/** Small enough not to be waited for, large enough for a busy machine. */
const SHORT = 300;

it('a body larger than announced limits ends', async () => {
  const endless = await serve((_incoming, answer) => {
    answer.writeHead(200);
    const more = (): void => {
      while (!answer.destroyed && answer.write(Buffer.alloc(65_536)));
      if (!answer.destroyed) answer.once('drain', more);
    };
    more();
  });
  const client = reaching([endless], { maxBytes: 1_000_000 });
  const answer = await client.fetch(endless.origin);
  await expect(answer.body.bytes()).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining('1000000') });
  const less = await client.fetch(endless.origin, { maxBytes: 10 });
  await expect(less.body.bytes()).rejects.toMatchObject({ message: expect.stringContaining('10 bytes') });
  const unbounded = await reaching([endless]).fetch(endless.origin);
  await expect(unbounded.body.bytes(), 'in memory, where no limit is named').rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringContaining('67108864'),
  });
  const announced = await serve(hello);
  await expect((await reaching([announced]).fetch(announced.origin)).body.bytes(4)).rejects.toMatchObject({ code: 'InvalidArgument' });
  await expect(reaching([announced], { maxBytes: 4 }).fetch(announced.origin)).rejects.toMatchObject({ code: 'InvalidArgument' });
});

it('headers larger than allowed end the request', async () => {
  const server = await serve((_incoming, answer) => void answer.writeHead(200, { 'x-large': 'x'.repeat(3000) }).end());
  await expect(reaching([server], { maxHeaderBytes: 2000 }).fetch(server.origin)).rejects.toMatchObject({
    code: 'Unavailable',
    retryable: false,
    message: expect.stringContaining('maxHeaderBytes'),
  });
  (await reaching([server]).fetch(server.origin)).body.close();
});

it('headers without an end are cut off at the limit, not at the end', async () => {
  let sent = 0;
  const server = await rawServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = (): void => {
      if (socket.destroyed || sent > 50_000_000) return;
      sent += 1000;
      socket.write(`X-${sent}: ${'x'.repeat(1000)}\r\n`, () => setImmediate(more));
    };
    more();
  });
  ends.push(server);
  await expect(reaching([server]).fetch(server.origin)).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
  expect(sent).toBeLessThan(10_000_000);
});

const slow: Record<string, (socket: { write(text: string): unknown; destroyed: boolean }) => void> = {
  'an answer that never comes': () => undefined,
  'headers that trickle': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
    const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('x')), 10);
  },
  'interim answers without an end': (socket) => {
    const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')), 10);
  },
};
test.each(Object.keys(slow))('%s is a Timeout', async (name) => {
  const server = await rawServer((socket) => slow[name]?.(socket));
  ends.push(server);
  await expect(reaching([server], { answerTimeoutMs: SHORT }).fetch(server.origin)).rejects.toMatchObject({
    code: 'Timeout',
    retryable: true,
    message: expect.stringContaining(`${SHORT} ms`),
  });
});

it('a connection that is never made is a Timeout', async () => {
  // A listener that accepts, and never speaks TLS.
  const server = createTcpServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await expect(guard({ allowHosts: [`127.0.0.1:${port}`], connectTimeoutMs: SHORT }).fetch(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({
    code: 'Timeout',
    retryable: true,
  });
  // A resolver that never answers.
  const client = guard({ resolve: () => new Promise(() => undefined), answerTimeoutMs: SHORT });
  await expect(client.fetch('https://name.test/')).rejects.toMatchObject({ code: 'Timeout' });
  server.close();
});

it('a body that falls silent, and one that trickles for ever, are Timeouts', async () => {
  const silent = await serve((_incoming, answer) => void answer.writeHead(200, { 'content-length': '10' }).write('x'));
  const answer = await reaching([silent], { silenceMs: SHORT }).fetch(silent.origin);
  await expect(answer.body.bytes()).rejects.toMatchObject({ code: 'Timeout', retryable: true });
  const trickling = await serve((_incoming, out) => {
    out.writeHead(200, { 'content-length': '1000000' });
    const timer = setInterval(() => (out.destroyed ? clearInterval(timer) : out.write('x')), 10);
  });
  const slowly = await reaching([trickling], { totalMs: SHORT }).fetch(trickling.origin);
  await expect(slowly.body.bytes()).rejects.toMatchObject({ code: 'Timeout', message: expect.stringContaining(`${SHORT} ms`) });
});

it('redirects share one limit on time', async () => {
  const server = await serve((incoming, answer) => void setTimeout(() => answer.writeHead(302, { location: `${incoming.url}x` }).end(), SHORT / 2));
  await expect(reaching([server], { totalMs: SHORT }).fetch(`${server.origin}/`)).rejects.toMatchObject({ code: 'Timeout' });
});

it('a reader that pauses is not cut off by the limit on silence', async () => {
  const large = Buffer.alloc(4_000_000);
  const server = await serve((_incoming, answer) => void answer.writeHead(200, { 'content-length': String(large.byteLength) }).end(large));
  const answer = await reaching([server], { silenceMs: 1000 }).fetch(server.origin);
  let got = 0;
  for await (const chunk of answer.body) {
    if (got === 0) await new Promise((resolve) => setTimeout(resolve, 2500));
    got += chunk.byteLength;
  }
  expect(got).toBe(large.byteLength);
});

it('an abort ends the look-up, the answer and the body with its reason, and leaves no listener', async () => {
  const hanging = await serve((incoming, answer) => {
    if (incoming.url === '/body') answer.writeHead(200, { 'content-length': '10' }).write('x');
  });
  for (const [client, url] of [
    [guard({ resolve: () => new Promise(() => undefined) }), 'https://name.test/'],
    [reaching([hanging]), hanging.origin],
    [reaching([hanging]), `${hanging.origin}/body`],
  ] as const) {
    const abort = new AbortController();
    const work = client.fetch(url, { signal: abort.signal }).then((answer) => answer.body.bytes());
    setTimeout(() => abort.abort('enough'), 50);
    await expect(work).rejects.toBe('enough');
    expect(getEventListeners(abort.signal, 'abort').length).toBe(0);
  }
});
