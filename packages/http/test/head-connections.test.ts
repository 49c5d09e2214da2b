import { describe, expect, it } from 'vitest';
import { httpDriver } from '../src/index.ts';
import { type LoopbackServer, rawServer } from './loopback-server.ts';

/** Answers each HEAD with its number in the ETag, and with whatever stands behind it in the same packet. */
function headServer(behind: string): Promise<LoopbackServer> {
  let answers = 0;
  return rawServer((socket) => void socket.write(`HTTP/1.1 200 OK\r\nETag: "answer-${++answers}"\r\nContent-Length: 5\r\n\r\n${behind}`));
}

async function heads({ origin }: LoopbackServer): Promise<(string | undefined)[]> {
  const driver = httpDriver({ allowHosts: [origin.replace('http://', '')] });
  try {
    const etags: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) etags.push((await driver.head(`${origin}/a`, {})).revision.etag);
    return etags;
  } finally {
    await driver.close();
  }
}

describe('connections behind HEAD', () => {
  const each = [1, 2, 3, 4, 5].map((i) => `"answer-${i}"`);

  it('are kept: the next looks go on them', async () => {
    await using server = await headServer('');
    expect(await heads(server)).toEqual(each);
    // A look may begin before the answer of the one before is done with.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it('are given up where a server sends a body there, and what it sent is no answer to another request', async () => {
    await using server = await headServer('HTTP/1.1 200 OK\r\nETag: "smuggled"\r\nContent-Length: 0\r\n\r\n');
    expect(await heads(server)).toEqual(each);
    expect(server.connections()).toBe(5);
  });
});
