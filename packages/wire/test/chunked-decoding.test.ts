import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkedDecoding } from '../src/chunked-decoding.ts';

/** What comes out of the pieces, and how much of the last one was the body's. */
function decoded(pieces: readonly Buffer[]): { readonly content: string; readonly ended: boolean; readonly taken: number } {
  const decoding = new ChunkedDecoding();
  const content: Buffer[] = [];
  let taken = 0;
  for (const piece of pieces) taken += decoding.push(piece, (bytes) => content.push(Buffer.from(bytes)));
  return { content: Buffer.concat(content).toString('latin1'), ended: decoding.ended, taken };
}

const whole = (text: string): ReturnType<typeof decoded> => decoded([Buffer.from(text, 'latin1')]);

const text = fc.string({ unit: fc.constantFrom('a', ';', '"', '=', ' '), maxLength: 6 });
const body = fc.record({
  chunks: fc.array(fc.record({ content: fc.uint8Array({ minLength: 1, maxLength: 20 }), extension: fc.option(text), upper: fc.boolean(), zeros: fc.nat(3) }), {
    maxLength: 5,
  }),
  trailers: fc.array(
    text.map((value) => `x-trailer: ${value}`),
    { maxLength: 2 },
  ),
});

it('any cut of any body gives the same content, and leaves what lies behind it', () => {
  fc.assert(
    fc.property(body, fc.array(fc.nat(400)), fc.constantFrom('', 'HTTP/1.1 200 OK\r\n'), ({ chunks, trailers }, cuts, behind) => {
      const lines = chunks.map(({ content, extension, upper, zeros }) => {
        const size = '0'.repeat(zeros) + content.byteLength.toString(16);
        return `${upper ? size.toUpperCase() : size}${extension === null ? '' : `;${extension}`}\r\n${Buffer.from(content).toString('latin1')}\r\n`;
      });
      const encoded = Buffer.from(`${lines.join('')}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
      const places = [...new Set([0, ...cuts.filter((cut) => cut < encoded.byteLength), encoded.byteLength])].toSorted((a, b) => a - b);
      const pieces = places.slice(1).map((end, i) => encoded.subarray(places[i], end));
      const last = pieces.pop() as Buffer;
      const result = decoded([...pieces, Buffer.concat([last, Buffer.from(behind)])]);
      expect(result).toEqual({
        content: Buffer.concat(chunks.map(({ content }) => content)).toString('latin1'),
        ended: true,
        taken: encoded.byteLength,
      });
    }),
  );
});

describe('a body in chunks', () => {
  it('has not ended before its last line', () => {
    const encoded = '3\r\nabc\r\n0\r\nx: y\r\n\r\n';
    for (let i = 0; i < encoded.length; i++) expect(whole(encoded.slice(0, i)).ended).toBe(false);
    expect(whole(encoded).ended).toBe(true);
  });

  it.each([
    ['a size that is none', 'g\r\n'],
    ['no size', '\r\n'],
    ['a size below nothing', '-1\r\n'],
    ['a size as in C', '0x3\r\nabc\r\n'],
    ['a blank before the size', ' 3\r\nabc\r\n'],
    ['a size that no number holds', `${'f'.repeat(14)}\r\n`],
    ['an LF without its CR', '3\nabc\r\n'],
    ['a CR within a line', '3;a\rb\r\nabc\r\n'],
    ['more than its size says', '3\r\nabcd\r\n0\r\n\r\n'],
    ['less than its size says', '3\r\nab\r\n0\r\n\r\n'],
    ['nothing between chunks', '3\r\nabc3\r\nabc'],
    ['an LF without its CR behind a chunk', '3\r\nabc\n0\r\n\r\n'],
    ['a line without an end', `3;${'a'.repeat(20_000)}`],
    ['a trailer without an end', `0\r\n${'a'.repeat(20_000)}`],
  ])('is refused with %s', (_what, encoded) => {
    expect(() => whole(encoded)).toThrow(expect.objectContaining({ code: 'HTTP_CHUNKS' }));
  });

  it('is refused with a line without an end, however it is cut', () => {
    expect(() => decoded(Array.from({ length: 20_000 }, () => Buffer.from('1')))).toThrow(expect.objectContaining({ code: 'HTTP_CHUNKS' }));
  });
});
