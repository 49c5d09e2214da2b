import { AssertionError } from 'node:assert/strict';
import { type ErrorCode, isStorageError, type StorageError } from '@stowage/core';

/** Ends a case. `actual` and `expected` are for runners that print a difference. */
export function fail(message: string, actual?: unknown, expected?: unknown): never {
  throw new AssertionError({ message, actual, expected, operator: 'conformance', stackStartFn: fail });
}

/** An error in one line, for messages. */
export function told(error: unknown): string {
  if (isStorageError(error)) return `${error.code} (${error.message})`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The work rejects with a `StorageError` of one of the codes, which is returned. */
export async function expectCode(work: Promise<unknown>, code: ErrorCode | readonly ErrorCode[], what: string): Promise<StorageError> {
  const outcome = await settled(work);
  if (!outcome.ok) return expectCodeOf(outcome.error, code, what);
  const wanted = typeof code === 'string' ? code : code.join(' or ');
  return fail(`${what}: expected it to be refused with ${wanted}; it succeeded`, 'success', wanted);
}

/** The error is a `StorageError` of one of the codes. */
export function expectCodeOf(error: unknown, code: ErrorCode | readonly ErrorCode[], what: string): StorageError {
  const codes: readonly ErrorCode[] = typeof code === 'string' ? [code] : code;
  const wanted = codes.join(' or ');
  if (error instanceof AssertionError) throw error;
  if (!isStorageError(error)) fail(`${what}: expected a StorageError with code ${wanted}; got ${told(error)}`, told(error), wanted);
  if (!codes.includes(error.code)) fail(`${what}: expected code ${wanted}; got ${told(error)}`, error.code, wanted);
  return error;
}

/** The work rejects with exactly that value, and with nothing wrapped around it. */
export async function expectReason(work: Promise<unknown>, reason: unknown, what: string): Promise<void> {
  const outcome = await settled(work);
  if (outcome.ok) fail(`${what}: expected it to reject with the reason of the abort; it succeeded`);
  expectReasonOf(outcome.error, reason, what);
}

export function expectReasonOf(error: unknown, reason: unknown, what: string): void {
  if (error instanceof AssertionError) throw error;
  if (error !== reason) fail(`${what}: expected it to reject with signal.reason itself (${told(reason)}); got ${told(error)}`, error, reason);
}

/** The work rejects, with whatever. */
export async function expectFailure(work: Promise<unknown>, what: string): Promise<unknown> {
  const outcome = await settled(work);
  if (outcome.ok) fail(`${what}: expected it to fail; it succeeded`);
  if (outcome.error instanceof AssertionError) throw outcome.error;
  return outcome.error;
}

export type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export async function settled<T>(work: PromiseLike<T>): Promise<Settled<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error };
  }
}

/** The same bytes; else the message says where they part. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const common = Math.min(actual.byteLength, expected.byteLength);
  let at = 0;
  while (at < common && actual[at] === expected[at]) at++;
  const parts = at === common ? 'one ends there' : `expected byte ${expected[at]}, got ${actual[at]}`;
  fail(`${what}: expected ${expected.byteLength} bytes, got ${actual.byteLength}; they part at byte ${at} (${parts})`, actual.byteLength, expected.byteLength);
}

/** Two lists of names; the message names the first that differs. */
export function expectNames(actual: readonly string[], expected: readonly string[], what: string): void {
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i++) {
    if (actual[i] === expected[i]) continue;
    fail(`${what}: at position ${i} of ${expected.length} expected ${quoted(expected[i])}, got ${quoted(actual[i])}`, actual, expected);
  }
}

/** A string as JavaScript writes it, so that invisible characters show. */
export function quoted(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  const shown = written(text);
  return shown.length > 200 ? `${shown.slice(0, 200)}… (${Buffer.byteLength(text)} bytes)` : shown;
}

/** Plain data as JSON, with everything beyond ASCII escaped. */
export function written(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\u{10ffff}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
