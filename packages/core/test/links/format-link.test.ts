import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Link, LinkPrefix } from '../../src/index.ts';
import { formatLink, formatLinkPrefix, keyFault, parseLink, parseLinkPrefix, tryParseLink, tryParseLinkPrefix } from '../../src/index.ts';

const schemes = ['s3', 'minio', 'azure', 'google', 'gcs', 'gs', 'fs', 'S3', 'FS', 'Azure'];

/** Text dense in what links are made of, so that slashes, dots and lone surrogates meet. */
const linkish = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', '.', '..', '//', ':', '://', '%2e', '%', '?', '#', ' ', '\0', '\n', '\u0085', '\ud800', '\udc00', '😀', '\ue000', ...schemes),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
  )
  .map((parts) => parts.join(''));
const bucket = linkish.map((text) => text.replace(/[/\p{Cc}]/gu, '').toWellFormed()).filter((text) => !/^\.{0,2}$/.test(text));
const key = linkish.map((text) => text.replaceAll('\0', '').toWellFormed()).filter((text) => keyFault(text) === undefined);
const prefix = fc.oneof(fc.constant(''), key);
const provider = fc.constantFrom('minio', 'azure', 'google', 'fs');
const urlRest = fc
  .tuple(
    fc.webFragments().filter((text) => text !== ''),
    linkish,
  )
  .map(([host, rest]) => `${host.replace(/[/?#]/g, '')}x/${rest.toWellFormed()}`);

const link: fc.Arbitrary<Link> = fc.oneof(
  fc.record({ kind: fc.constant('object' as const), provider, bucket, key }),
  fc.record({ kind: fc.constant('url' as const), url: fc.tuple(fc.constantFrom('http', 'https'), urlRest).map(([scheme, rest]) => `${scheme}://${rest}`) }),
);

describe('formatLink', () => {
  it.each([
    ['minio://cars/a b', 's3://cars/a b'],
    ['S3://cars/%2F', 's3://cars/%2F'],
    ['AZURE://boats//x', 'azure://boats//x'],
    ['gs://planes/x', 'google://planes/x'],
    ['gcs://planes/x', 'google://planes/x'],
    ['Fs://data/x', 'fs://data/x'],
    ['HTTPS://Example.org/A', 'https://Example.org/A'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatLink(parseLink(text))).toBe(canonical);
  });

  it('parses back to the same value', () => {
    fc.assert(
      fc.property(link, (value) => {
        expect(parseLink(formatLink(value))).toEqual(value);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is canonical: formatting what was parsed changes nothing the second time', () => {
    const text = fc.oneof(
      fc.tuple(fc.constantFrom(...schemes), bucket, key).map(([scheme, name, rest]) => `${scheme}://${name}/${rest}`),
      fc.tuple(fc.constantFrom('http', 'HTTPS', 'Https'), urlRest).map(([scheme, rest]) => `${scheme}://${rest}`),
    );
    fc.assert(
      fc.property(text, (written) => {
        const parsed = parseLink(written);
        const canonical = formatLink(parsed);
        expect(parseLink(canonical)).toEqual(parsed);
        expect(formatLink(parseLink(canonical))).toBe(canonical);
      }),
      { numRuns: 2_000 },
    );
  });

  it('writes the first scheme that a provider has', () => {
    const own = new Map([
      ['drive', 'my-drive'],
      ['gdrive', 'my-drive'],
    ]);
    expect(formatLink({ kind: 'object', provider: 'my-drive', bucket: 'a', key: 'b' }, { schemes: own })).toBe('drive://a/b');
  });

  it('refuses values that no text can stand for', () => {
    const object = (over: object): Link => ({ kind: 'object', provider: 'minio', bucket: 'b', key: 'k', ...over });
    const bad: Link[] = [
      object({ bucket: '' }),
      object({ bucket: 'a/b' }),
      object({ bucket: '..' }),
      object({ key: '' }),
      object({ key: 'a/../b' }),
      object({ key: '\ud800' }),
      object({ provider: 'ftp' }),
      object({ provider: 'constructor' }),
      { kind: 'url', url: 's3://b/k' },
      { kind: 'url', url: 'example.org' },
    ];
    for (const value of bad) expect(() => formatLink(value), JSON.stringify(value)).toThrow(expect.objectContaining({ code: 'InvalidLink' }));
  });
});

describe('formatLinkPrefix', () => {
  it('parses back to the same value', () => {
    const place: fc.Arbitrary<LinkPrefix> = fc.record({ provider, bucket, prefix });
    fc.assert(
      fc.property(place, (value) => {
        expect(parseLinkPrefix(formatLinkPrefix(value))).toEqual(value);
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends a whole bucket with a slash', () => {
    expect(formatLinkPrefix(parseLinkPrefix('azure://boats'))).toBe('azure://boats/');
  });

  it('refuses a bucket with a slash', () => {
    expect(() => formatLinkPrefix({ provider: 'minio', bucket: 'a/b', prefix: '' })).toThrow(expect.objectContaining({ code: 'InvalidLink' }));
  });
});

describe('any text at all', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const sound = (text: string): void => {
    for (const rewriteStoreUrls of [false, true]) {
      const parsed = tryParseLink(text, { rewriteStoreUrls });
      if (parsed.ok) expect(parseLink(formatLink(parsed.link))).toEqual(parsed.link);
      else expect(parsed.column).toBeGreaterThanOrEqual(1);
      if (!parsed.ok) expect(parsed.column).toBeLessThanOrEqual(text.length + 1);
    }
    const place = tryParseLinkPrefix(text);
    if (place.ok) expect(parseLinkPrefix(formatLinkPrefix(place.place))).toEqual(place.place);
  };

  it('10,000 random byte strings crash nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom('latin1' as const, 'utf8' as const, 'utf16le' as const), fc.boolean(), bytes, (encoding, withScheme, content) => {
        sound((withScheme ? 's3://' : '') + Buffer.from(content).toString(encoding));
      }),
      { numRuns: 10_000 },
    );
  });

  it('10,000 texts dense in what links are made of crash nothing', () => {
    const texts = fc.oneof(
      linkish,
      fc.tuple(fc.constantFrom(...schemes, 'https', 'http'), linkish).map(([scheme, rest]) => `${scheme}://${rest}`),
    );
    fc.assert(fc.property(texts, sound), { numRuns: 10_000 });
  });

  it('throws nothing but InvalidLink', () => {
    fc.assert(
      fc.property(linkish, (text) => {
        const parsed = tryParseLink(text);
        if (!parsed.ok) expect(() => parseLink(text)).toThrow(expect.objectContaining({ name: 'StorageError', code: 'InvalidLink' }));
      }),
      { numRuns: 2_000 },
    );
  });
});
