import { formatLink, parseLink } from '@stowage/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalLinks } from '../src/canonical-links.ts';

const canonical = canonicalLinks();

it('writes links as formatLink does', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'B', '%', ' ', '?', '#', '+', '/', '.', 'é', '🚗', ':', '\\', '\t'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom('s3', 'S3', 'minio', 'azure', 'GS', 'gcs', 'google', 'fs', 'http', 'HTTPS'), part, part, (scheme, bucket, key) => {
      const text = `${scheme}://${bucket}/${key}`;
      const found = canonical(text);
      let expected: string | undefined;
      try {
        expected = formatLink(parseLink(text));
      } catch {
        // No link: both must say so.
      }
      expect(found.ok ? found.link : undefined).toBe(expected);
      if (found.ok) expect(canonical(found.link)).toEqual(found);
    }),
  );
});

it('takes the schemes that it is given', () => {
  const ours = canonicalLinks(
    new Map([
      ['blue', 'sky'],
      ['azure', 'sky'],
    ]),
  );
  expect(ours('AZURE://b/k')).toEqual({ ok: true, link: 'blue://b/k' });
  expect(ours('s3://b/k')).toMatchObject({ ok: false, reason: expect.stringContaining('blue, azure') });
});
