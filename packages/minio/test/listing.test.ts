import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ListingFault, scanListing } from '../src/xml/listing.ts';

const xmlText = (text: string): string => text.replace(/[&<>"'\r\n]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`);
const keys = fc.uniqueArray(
  fc
    .string({
      unit: fc.oneof(
        fc.constantFrom('<', '>', '&', '"', "'", '%', ' ', '+', '/', '\r', '\n', '😀', 'é', '<Key>', '</Contents>'),
        fc.string({ minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
      maxLength: 20,
    })
    .map((k) => k.toWellFormed()),
  { maxLength: 20 },
);

it.each<['%20' | '+', (text: string) => string]>([
  ['%20', encodeURIComponent],
  ['+', (text) => encodeURIComponent(text).replaceAll('%20', '+')],
])('keys come back as they were, with spaces as %s', (_space, encode) => {
  fc.assert(
    fc.property(keys, keys, fc.boolean(), (objects, prefixes, truncated) => {
      const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>${truncated ? '<NextContinuationToken>to&amp;ken</NextContinuationToken>' : ''}<IsTruncated>${truncated}</IsTruncated>${objects
        .map(
          (key, i) =>
            `<Contents><Key>${xmlText(encode(key))}</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&#34;${i}&#34;</ETag><Size>${i}</Size><Owner><ID>x</ID></Owner></Contents>`,
        )
        .join(
          '',
        )}${prefixes.map((p) => `<CommonPrefixes><Prefix>${xmlText(encode(p))}</Prefix></CommonPrefixes>`).join('')}<EncodingType>url</EncodingType></ListBucketResult>`;
      const page = scanListing(Buffer.from(xml), false);
      expect(page.objects.map(({ key }) => key)).toEqual(objects);
      expect(page.prefixes).toEqual(prefixes);
      expect(page.token).toBe(truncated ? 'to&ken' : undefined);
      expect(page.objects.map(({ size, revision, lastModified }) => [size, revision.etag, lastModified.toISOString()])).toEqual(
        objects.map((_, i) => [i, `"${i}"`, '2026-01-02T03:04:05.678Z']),
      );
    }),
  );
});

it('a listing without EncodingType is taken as it stands', () => {
  const page = scanListing(
    Buffer.from(
      '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%20b+c&amp;d&#13;</Key><Size>1</Size><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>abc</ETag></Contents></ListBucketResult>',
    ),
    false,
  );
  expect(page.objects[0]).toMatchObject({ key: 'a%20b+c&d\r', revision: { etag: '"abc"' } });
});

it.each([
  ['no listing', '<html></html>'],
  ['cut off', '<ListBucketResult><Contents><Key>a</Key>'],
  ['no token', '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>'],
  ['no size', '<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>'],
])('%s is refused', (_what, xml) => {
  expect(() => scanListing(Buffer.from(xml), false)).toThrow(ListingFault);
});

it('MD5 comes from ETags where the configuration says so, and never from those of parts', () => {
  const entry = (etag: string): string =>
    `<Contents><Key>a</Key><Size>1</Size><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>"${etag}"</ETag></Contents>`;
  const xml = Buffer.from(`<ListBucketResult>${entry('5d41402abc4b2a76b9719d911017c592')}${entry('5d41402abc4b2a76b9719d911017c592-2')}</ListBucketResult>`);
  expect(scanListing(xml, true).objects.map(({ checksums }) => checksums)).toEqual([{ md5: 'XUFAKrxLKna5cZ2REBfFkg==' }, {}]);
  expect(scanListing(xml, false).objects.map(({ checksums }) => checksums)).toEqual([{}, {}]);
});
