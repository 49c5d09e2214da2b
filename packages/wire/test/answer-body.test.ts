import { describe, expect, it } from 'vitest';
import { AnswerBody } from '../src/answer-body.ts';

/** A body, and what it has asked of its connection. */
function bodyOf(length?: number): { readonly body: AnswerBody; readonly asked: string[] } {
  const asked: string[] = [];
  const source = { pause: (): unknown => asked.push('pause'), resume: (): unknown => asked.push('resume'), abandon: (): unknown => asked.push('abandon') };
  return { body: new AnswerBody(source, length), asked };
}

const MEGABYTE = 1024 * 1024;

describe('a body', () => {
  it('gives what came since the last chunk as one, where it lies in one piece of memory', async () => {
    const { body } = bodyOf();
    const memory = Buffer.from('abcdef');
    body.push(memory.subarray(0, 2));
    body.push(memory.subarray(2, 4));
    body.push(Buffer.from('xy'));
    body.push(memory.subarray(4, 6));
    body.end();
    const chunks: string[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk).toString());
    expect(chunks).toEqual(['abcd', 'xy', 'ef']);
  });

  it('stops its connection at 1 MiB, and lets it go on at half of that', async () => {
    const { body, asked } = bodyOf();
    for (let i = 0; i < 5; i++) body.push(Buffer.alloc(MEGABYTE / 4));
    expect(asked).toEqual(['pause']);
    for (let i = 0; i < 3; i++) await body.next();
    expect(asked).toEqual(['pause']);
    await body.next();
    expect(asked).toEqual(['pause', 'resume']);
  });

  it('asks nothing of its connection once it has ended: that may serve another by then', async () => {
    const { body, asked } = bodyOf();
    for (let i = 0; i < 5; i++) body.push(Buffer.alloc(MEGABYTE / 4));
    body.end();
    while ((await body.next()).done !== true);
    body.close();
    expect(asked).toEqual(['pause']);
  });

  it('that is closed is abandoned once, and gives nothing more', async () => {
    const { body, asked } = bodyOf(10);
    body.push(Buffer.from('abc'));
    const waiting = body.next().then(() => body.next());
    await Promise.resolve();
    body.close();
    body.close();
    expect((await waiting).done).toBe(true);
    body.push(Buffer.from('def'));
    body.fail(new Error('late'));
    expect((await body.next()).done).toBe(true);
    expect(asked).toEqual(['abandon']);
  });

  it('that fails gives what came before', async () => {
    const { body } = bodyOf(10);
    body.push(Buffer.from('abc'));
    body.fail(new Error('broken'));
    expect((await body.next()).value).toEqual(Buffer.from('abc'));
    await expect(body.next()).rejects.toThrow('broken');
    await expect(body.next()).rejects.toThrow('broken');
  });

  it('that ended with less than was announced is an error, for whoever waits and for whoever comes later', async () => {
    const { body: waited } = bodyOf(10);
    const waiting = waited.next();
    waited.end();
    await expect(waiting).rejects.toThrow('10 bytes were announced and 0 came');
    const { body: late } = bodyOf(10);
    late.push(Buffer.from('abc'));
    late.end();
    await expect(late.bytes()).rejects.toThrow('10 bytes were announced and 3 came');
  });
});
