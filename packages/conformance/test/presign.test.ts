import { AssertionError } from 'node:assert/strict';
import { type BucketDriver, delegate, type Layer, type PresignedRequest, prefixLayer } from '@stowage/core';
import { conformanceCases, type Harness, runCase, runConformance } from '@stowage/conformance';
import { afterAll, describe, expect, test } from 'vitest';
import { memoryHarness } from './memory-harness.ts';
import { SigningServer } from './signing-driver.ts';
import { vitestRunner } from './vitest-runner.ts';

const server = await SigningServer.start();
afterAll(() => server[Symbol.asyncDispose]());

const signing: Layer = (inner) => server.sign(inner);

function signingHarness(...layers: Layer[]): Harness {
  return {
    ...memoryHarness({ layers: [signing, ...layers], patienceMs: 2000 }),
    credentialsExpireAt: new Date(Date.now() + 365 * 24 * 3_600_000),
    presignFetch: ({ url, method, headers: signed }, content, headers) =>
      fetch(url, { method, headers: { ...signed, ...headers }, redirect: 'manual', ...(content === undefined ? {} : { body: Buffer.from(content) }) }),
  };
}

/** Presigned requests end with the credentials. */
const capped: Layer = (inner) =>
  delegate(inner, {
    async presign(key, o): Promise<PresignedRequest> {
      const most = Math.floor((signingHarness().credentialsExpireAt?.getTime() ?? 0) / 1000 - Date.now() / 1000) - 60;
      return inner.presign(key, { ...o, expiresInSeconds: Math.min(o.expiresInSeconds, most) });
    },
  });

describe('memory behind a server that signs', () => {
  runConformance(vitestRunner, signingHarness(capped));
});

// The layer changes nothing else here: test/layers.test.ts runs all of the suite on it.
describe('memory behind a server that signs, under a prefix', () => {
  const harness = signingHarness(capped, prefixLayer('deep/down/'));
  test.each(conformanceCases().filter((each) => each.group === 'presign' && each.needs(harness.capabilities, harness) === true))('$name', async (each) => {
    await expect(runCase(each, harness)).resolves.toBeUndefined();
  });
});

const BROKEN: readonly (readonly [fault: string, fails: string, overrides: (inner: BucketDriver) => Partial<BucketDriver>])[] = [
  [
    'the content type is not signed',
    'a presigned PUT with another content type than the signed one is refused',
    (inner) => ({ presign: (key, { headers: _, ...o }) => inner.presign(key, o) }),
  ],
  [
    'an hour is added',
    'expiresAt is the true end of a presigned request',
    (inner) => ({ presign: (key, o) => inner.presign(key, { ...o, expiresInSeconds: o.expiresInSeconds + 3600 }) }),
  ],
  [
    'the end is told and not kept',
    'a presigned request is refused after its end',
    (inner) => ({
      presign: async (key, o) => ({
        ...(await inner.presign(key, { ...o, expiresInSeconds: 3600 })),
        expiresAt: new Date(Date.now() + o.expiresInSeconds * 1000),
      }),
    }),
  ],
  ["the credentials' end is not heeded", "expiresAt is never past the credentials' own end", () => ({})],
  [
    'a plus sign is not encoded',
    'a key with a plus sign is kept exactly, or refused before any request',
    (inner) => ({ presign: async (key, o) => inner.presign(key.replaceAll('+', ' '), o) }),
  ],
];

test.each(BROKEN)('broken: %s', async (_fault, fails, overrides) => {
  const found = conformanceCases().find(({ name }) => name === fails);
  if (found === undefined) throw new Error(`no case is named ${JSON.stringify(fails)}`);
  const harness = signingHarness((inner) => delegate(inner, overrides(inner)));
  expect(found.needs(harness.capabilities, harness)).toBe(true);
  await expect(runCase(found, harness)).rejects.toBeInstanceOf(AssertionError);
});
