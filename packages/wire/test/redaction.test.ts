import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withoutSecrets } from '../src/index.ts';

it('takes out a secret in every form in which it may be repeated', () => {
  const around = fc.string();
  const secret = fc.string({ unit: fc.constantFrom(...'abcXYZ019/+="\\&'.split('')), minLength: 8 });
  fc.assert(
    fc.property(around, secret, around, (before, value, after) => {
      for (const form of [value, encodeURIComponent(value), JSON.stringify(value), Buffer.from(value).toString('base64')]) {
        const shown = withoutSecrets(before + form + after, [value]);
        expect(shown).not.toContain(value);
        expect(shown).not.toContain(encodeURIComponent(value));
        expect(shown).not.toContain(Buffer.from(value).toString('base64').replace(/=+$/, ''));
        expect(shown).not.toMatch(/[\r\n]/);
      }
    }),
  );
});

it('takes out a secret that was given encoded and is repeated decoded', () => {
  expect(withoutSecrets('the signature abc/def+ghi= did not match', ['abc%2Fdef%2Bghi%3D'])).toBe('the signature [redacted] did not match');
});

it.each([
  ['The Canonical String is x-amz-security-token:abc123/def\nhost:sts', 'The Canonical String is x-amz-security-token:[redacted] host:sts'],
  ['bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln was refused', 'bearer [redacted] was refused'],
  ['ya29.a0AfB_by-C1x was refused', '[redacted] was refused'],
  ['{"secretKey": "hunter2", "role":"reader"}', '{"secretKey": "[redacted]", "role":"reader"}'],
  ['https://h/c/b?sp=r&sig=abc%2Fdef&se=2030', 'https://h/c/b?sp=r&sig=[redacted]&se=2030'],
  ['AccountName=x;AccountKey=abc==;EndpointSuffix=y', 'AccountName=x;AccountKey=[redacted];EndpointSuffix=y'],
  ['/o?uploadType=resumable&upload_id=ABg5 X-Goog-Signature=12ab', '/o?uploadType=resumable&upload_id=[redacted] X-Goog-Signature=[redacted]'],
  ['-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- is no key', '[redacted] is no key'],
  ['User is not authorized to perform sts:AssumeRole', 'User is not authorized to perform sts:AssumeRole'],
])('takes out what looks like a secret, and leaves the rest: %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});

it('is short and of whole characters, whatever the secret is', () => {
  expect(withoutSecrets('x'.repeat(500))).toHaveLength(241);
  expect(withoutSecrets('kept', ['\ud800 half of a character', '%', '%20%20'])).toBe('kept');
});
