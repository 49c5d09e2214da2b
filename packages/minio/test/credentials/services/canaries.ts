import { inspect } from 'node:util';
import { isStorageError, type StorageError } from '@stowage/core';
import { expect } from 'vitest';

/** Secrets that must never be seen again. Each is spelled so that no ordinary text holds it. */
export const CANARY = {
  accessKeyId: 'AKIACANARYCANARY0001',
  secretAccessKey: 'canary/Secret+Key=aVeryUnlikelyText0002',
  sessionToken: 'canarySessionToken//0003+veryUnlikely==',
  token: 'canary-web-identity-0004.token.unlikely',
  authorization: 'canary-container-authorization-0005',
  metadataToken: 'canary-metadata-token-0006',
} as const;

/** What an attacker could search a log for: each secret, also encoded. Access key ids are names, not secrets. */
function forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
}

/** Everything that a log, a debugger or a serialiser shows of an error. */
function everythingShown(error: unknown): string {
  const shown = [inspect(error, { showHidden: true, depth: Infinity, getters: true, maxArrayLength: Infinity, maxStringLength: Infinity })];
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    shown.push(one.message, one.stack ?? '', JSON.stringify(one), String(one));
    for (const key of Reflect.ownKeys(one)) shown.push(inspect(Reflect.get(one, key), { showHidden: true, depth: Infinity }));
  }
  return shown.join('\n');
}

/** The failure of a call, which must be typed, in one line, and free of the secrets. */
export async function failureOf(
  call: () => Promise<unknown>,
  secrets: readonly string[] = Object.values(CANARY).filter((value) => value !== CANARY.accessKeyId),
): Promise<StorageError> {
  try {
    await call();
  } catch (error) {
    expect(isStorageError(error), everythingShown(error)).toBe(true);
    const shown = everythingShown(error);
    for (const secret of secrets) for (const form of forms(secret)) expect(shown, `shows a secret: ${secret.slice(0, 12)}`).not.toContain(form);
    if (!isStorageError(error)) throw error;
    expect(error.message).not.toMatch(/[\r\n]/);
    expect(error.operation).toBe('signIn');
    expect(error.provider).toBe('minio');
    return error;
  }
  throw new Error('expected a failure');
}
