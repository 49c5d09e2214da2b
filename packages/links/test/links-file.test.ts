import { gzipSync } from 'node:zlib';
import { formatLink } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LinksRow, MAX_LINE_BYTES, readLinks, type ReadLinksOptions } from '../src/index.ts';

type Options = Omit<ReadLinksOptions, 'file'>;

interface ReadFile {
  readonly rows: readonly LinksRow[];
  readonly lines: number;
  readonly ignored: number;
  readonly notices: readonly string[];
}

async function read(content: string | Uint8Array | AsyncIterable<Uint8Array>, o: Options = {}): Promise<ReadFile> {
  const rows: LinksRow[] = [];
  const notices: string[] = [];
  let lines = 0;
  let ignored = 0;
  const chunks = typeof content === 'string' ? pieces(Buffer.from(content)) : content instanceof Uint8Array ? pieces(content) : content;
  for await (const batch of readLinks(chunks, { file: 'f.txt', onNotice: (notice) => notices.push(notice), ...o })) {
    rows.push(...batch.rows);
    ({ lines, ignored } = batch);
  }
  return { rows, lines, ignored, notices };
}

async function* pieces(bytes: Uint8Array, sizes: readonly number[] = [bytes.byteLength]): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for (let i = 0; at < bytes.byteLength; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** `line:column: reason`, or the link. */
function told(row: LinksRow): string {
  return row.ok ? formatLink(row.link) : `${row.line}:${row.column}: ${row.reason}`;
}

describe('text', () => {
  it('is read line by line: BOM, CRLF, blanks, comments; keys stay literal', async () => {
    const { rows, lines, ignored } = await read(
      '\ufeff# the first line is a comment\r\ns3://b/a  b #1?.jpg\r\n\r\n  \nfs://local/ü/飛.png\nhttps://x.org/a.jpg?size=1#top\ngs://b/%20+//c.mp4',
    );
    expect(rows.map(told)).toEqual(['s3://b/a  b #1?.jpg', 'fs://local/ü/飛.png', 'https://x.org/a.jpg?size=1#top', 'google://b/%20+//c.mp4']);
    expect(rows.map(({ line }) => line)).toEqual([2, 5, 6, 7]);
    expect({ lines, ignored }).toEqual({ lines: 7, ignored: 3 });
  });

  it.each([
    ['no scheme', 'cars/x.jpg', /^1:1: expected <scheme>:\/\/<bucket>\/<key> .*; got no scheme$/],
    ['an unknown scheme', 'sc3://b/x.jpg', /^1:1: expected .*; got "sc3", did you mean "s3"\?$/],
    ['a blank before the link', ' s3://b/x.jpg', /^1:1: expected .*; got no scheme$/],
    ['no key', 's3://b/', /^1:8: expected a key behind the bucket; got the end$/],
    ['no bucket', 's3:///x.jpg', /^1:6: expected the name of a bucket behind "\/\/"$/],
    ['dots', 's3://b/a/../x.jpg', /^1:10: a key cannot hold "\." or "\.\." between slashes$/],
    ['NUL', `s3://b/${'k'.repeat(9000)}.jpg\ns3://b/a\0.jpg`, /^2:9: a line cannot hold a NUL character$/],
    ['old line ends', 's3://b/1.jpg\rs3://b/2.jpg\r', /^1:13: the line ends in CR alone; save the file with LF or CRLF/],
  ])('a bad line is told with line, column and reason: %s', async (_what, content, expected) => {
    expect(told((await read(content)).rows.at(-1) as LinksRow)).toMatch(expected);
  });

  it('a line that is no UTF-8 is told with its column and its bytes; the others are read', async () => {
    const bad = Buffer.concat([Buffer.from('s3://b/\ufffd caf'), Buffer.from([0xe9]), Buffer.from('.jpg')]);
    const { rows } = await read(Buffer.concat([Buffer.from('s3://b/1.jpg\n'), bad, Buffer.from('\ns3://b/2.jpg\n')]));
    expect(rows.map(told)).toEqual(['s3://b/1.jpg', '2:13: this line is no UTF-8 from here on; save the file as UTF-8', 's3://b/2.jpg']);
    expect(Buffer.from((rows[1] as { bytes: Uint8Array }).bytes).equals(bad)).toBe(true);
  });

  it('an empty file, and one of comments, hold nothing', async () => {
    expect(await read('')).toEqual({ rows: [], lines: 0, ignored: 0, notices: [] });
    expect(await read('# a\n#b')).toEqual({ rows: [], lines: 2, ignored: 2, notices: [] });
  });

  it('a line of 3 GB without an end is passed over in bounded memory', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    async function* huge(): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from('s3://b/1.jpg\ns3://b/');
      for (let i = 0; i < 3 * 1024; i++) yield chunk;
    }
    const before = process.memoryUsage().rss;
    const { rows, lines } = await read(huge());
    expect(rows.map(told)).toEqual(['s3://b/1.jpg', `2:1: the line is longer than 65,536 bytes; expected one link a line`]);
    expect(rows[1]).toMatchObject({ cut: true, text: expect.stringMatching(/^s3:\/\/b\/x{249}$/) });
    expect(lines).toBe(2);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  it('the limit of a line is exact, in whatever pieces it comes', async () => {
    const of = (bytes: number): string => `s3://b/${'ü'.repeat((bytes - 7) / 2)}`;
    for (const sizes of [[1 << 20], [1000], [65_537]]) {
      const content = Buffer.from(`${of(MAX_LINE_BYTES - 1)}\n${of(MAX_LINE_BYTES + 1)}\ns3://b/last.jpg\n`);
      expect((await read(pieces(content, sizes))).rows.map(({ ok }) => ok)).toEqual([true, false, true]);
    }
  });
});

describe('what is no text', () => {
  it.each([
    ['NUL', Buffer.from('s3://b/1.jpg\n\0\0'), 'f.txt:1: expected a text file of links; this is binary (byte 14 is NUL)'],
    ['a JPEG', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'f.txt:1: expected a text file of links; this is a JPEG image'],
    [
      'Excel',
      Buffer.from('PK\x03\x04rest'),
      'f.txt:1: expected a text file of links; this is a zip archive or an Excel workbook; unpack it, or save it as CSV',
    ],
    ['UTF-16', Buffer.from('\ufeffs3://b/1.jpg', 'utf16le'), 'f.txt:1: expected a text file of links; this is text in UTF-16; save it as UTF-8'],
    ['packed binary', gzipSync('a\0b'), 'f.txt:1: expected a text file of links; this is binary (byte 2 is NUL)'],
  ])('is refused: %s', async (_what, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });

  it('gzip is known by its content; what only has its name is refused', async () => {
    const packed = gzipSync('\ufeffs3://b/1.jpg\ns3://b/2.jpg');
    expect((await read(packed)).rows.map(told)).toEqual(['s3://b/1.jpg', 's3://b/2.jpg']);
    expect((await read(Buffer.concat([packed, gzipSync('\ns3://b/3.jpg')]), { gzip: true })).rows).toHaveLength(3);
    await expect(read('s3://b/1.jpg', { gzip: true })).rejects.toThrow('f.txt:1: expected gzip data, as the name ends in .gz; the content is none');
  });

  it('gzip that ends early gives its whole lines, then its fault', async () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `s3://b/${Math.sin(i)}.jpg\n`).join('');
    const packed = gzipSync(text);
    const seen: LinksRow[] = [];
    const reading = (async () => {
      for await (const { rows } of readLinks(pieces(packed.subarray(0, packed.length - 2000)), { file: 'f.gz' })) seen.push(...rows);
    })();
    await expect(reading).rejects.toThrow(/^f\.gz:\d+: the gzip data ends early: the file is cut off; what stands before is read$/);
    expect(seen.length).toBeGreaterThan(1000);
    expect(seen.every(({ ok }) => ok)).toBe(true);
  });
});

describe('tables', () => {
  const rowsOf = async (content: string, o: Options): Promise<[string, readonly string[]][]> =>
    (await read(content, o)).rows.map((row) => [told(row), row.ok ? row.tags : []]);

  it('csv: header optional, columns in any order, tags by comma', async () => {
    const expected = [
      ['s3://b/1.jpg', ['cat', 'black dog']],
      ['s3://b/2.jpg', []],
    ];
    expect(await rowsOf('# c\nurl;tag\ns3://b/1.jpg;cat, black dog,,cat\ns3://b/2.jpg;\n', { format: 'csv' })).toEqual(expected);
    expect(await rowsOf('Tag;Path\r\ncat,black dog;s3://b/1.jpg\r\n;s3://b/2.jpg', { format: 'csv' })).toEqual(expected);
    expect(await rowsOf('s3://b/1.jpg;cat,black dog\ns3://b/2.jpg', { format: 'csv' })).toEqual(expected);
    expect(await rowsOf('url\ttag\ns3://b/1.jpg\tcat,black dog\ns3://b/2.jpg', { format: 'tsv' })).toEqual(expected);
  });

  it('a quoted cell holds separators and quotation marks; columns are those of the line', async () => {
    expect(await rowsOf('"s3://b/a;""b"".jpg";"x,y"', { format: 'csv' })).toEqual([['s3://b/a;"b".jpg', ['x', 'y']]]);
    expect(await rowsOf('"s3://b/""a""/../c.jpg"', { format: 'csv' })).toEqual([['1:15: a key cannot hold "." or ".." between slashes', []]]);
    expect(await rowsOf('cat;s3://b/../c.jpg', { format: 'csv' })).toEqual([[expect.stringMatching(/^1:1: expected <scheme>/), []]]);
    expect(await rowsOf('tag;url\ncat;s3://b/../c.jpg', { format: 'csv' })).toEqual([['2:12: a key cannot hold "." or ".." between slashes', []]]);
  });

  it.each([
    ['an open quotation mark', '"s3://b/1.jpg;x', '1:1: the quotation mark that begins here is not closed on this line'],
    ['text behind a quoted cell', '"s3://b/1.jpg"x;y', '1:15: expected ";" or the end behind a quoted cell; a quotation mark in a cell is doubled'],
    [
      'too many columns',
      's3://b/1.jpg;a;b',
      '1:16: expected a link and its tags; got 3 columns without a header; a link that holds ";" stands in quotation marks',
    ],
    ['no link', 'url;tag\n;cat', '2:1: expected a link in this row; got none'],
    ['a short row', 'tag;url\ncat', '2:4: expected a link in this row; got none'],
  ])('a bad row is told with line, column and reason: %s', async (_what, content, expected) => {
    expect(await rowsOf(content, { format: 'csv' })).toEqual([[expected, []]]);
  });

  it('a table of another separator is refused as a whole', async () => {
    await expect(read('url,tag\ns3://b/1.jpg,cat', { format: 'csv' })).rejects.toThrow('f.txt:1: the columns are parted by ","; expected ";"');
  });

  it('columns that are not read are told once', async () => {
    expect((await read('url;tag;author\ns3://b/1.jpg;a;me\ns3://b/2.jpg;a;you', { format: 'csv' })).notices).toEqual([
      'f.txt:1: columns that are not read: "author"',
    ]);
  });
});

describe('for any content', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
    fc.string({ unit: 'binary', minLength: 1 }).map((key) => `s3://bucket/${key.replaceAll('\n', '')}`),
    fc.constantFrom('', '# a', 'fs://a/b.jpg', 'https://x.org/?', '\r'),
  );

  it('lines are those of the text, whatever the pieces; every line is a row or ignored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), async (texts, sizes) => {
        // The first line keeps what begins like another kind of file, or holds a NUL, from being refused as one.
        const content = ['s3://first/x', ...texts.map((text) => text.replaceAll('\0', '0'))].join('\n');
        const { rows, lines, ignored } = await read(pieces(Buffer.from(content), sizes));
        const expected = content.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toBe(expected.length);
        expect(rows.length + ignored).toBe(lines);
        for (const row of rows) expect(row.text).toBe(expected[row.line - 1]?.replace(/\r$/, '').toWellFormed());
      }),
    );
  });

  it('any bytes at all are told as lines or as no text, and never break the reader', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('txt', 'csv', 'tsv' as const), async (bytes, format) => {
        const outcome = await read(bytes, { format }).catch((error: unknown) => error as Error);
        if (outcome instanceof Error) expect(outcome.message).toMatch(/^f\.txt:\d+: /);
        else expect(outcome.rows.length + outcome.ignored).toBe(outcome.lines);
      }),
    );
  });
});
