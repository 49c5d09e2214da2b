import { type Bucket, compareKeys, isStorageError, type ListOptions, type ObjectHeaders, type UploadRef } from '@stowage/core';
import { expectBytes, expectNames, fail, quoted } from './expectations.ts';

/** The object holds these bytes, as a whole read gives them. */
export async function expectContent(bucket: Bucket, key: string, content: Uint8Array, what: string): Promise<void> {
  let actual: Uint8Array;
  try {
    actual = await (await bucket.get(key)).bytes();
  } catch (error) {
    if (isStorageError(error, 'NotFound')) fail(`${what}: expected ${quoted(key)} to hold ${content.byteLength} bytes; there is no such object`);
    throw error;
  }
  expectBytes(actual, content, what);
}

/** No read and no listing finds the object. */
export async function expectNothing(bucket: Bucket, key: string, what: string): Promise<void> {
  try {
    await bucket.head(key);
  } catch (error) {
    if (!isStorageError(error, 'NotFound')) throw error;
    expectNames(
      (await listedKeys(bucket, { prefix: key })).filter((listed) => listed === key),
      [],
      `${what}: in the listing`,
    );
    return;
  }
  fail(`${what}: expected no object at ${quoted(key)}; there is one`);
}

/** The keys of a listing; in byte order also where the store promises none. */
export async function listedKeys(bucket: Bucket, o: Omit<ListOptions, 'cursor' | 'limit' | 'delimiter'> = {}): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(o)) keys.push(key);
  return bucket.capabilities.list.order === 'utf8' ? keys : keys.sort(compareKeys);
}

export async function unfinishedUploads(bucket: Bucket, prefix?: string): Promise<UploadRef[]> {
  const uploads: UploadRef[] = [];
  for await (const ref of bucket.listUploads(prefix === undefined ? {} : { prefix })) uploads.push(ref);
  return uploads;
}

/** Every header of `expected` is there as it was given; metadata and tags hold nothing else. */
export function expectHeaders(actual: ObjectHeaders | undefined, expected: ObjectHeaders, what: string): void {
  if (actual === undefined) fail(`${what}: expected headers; there are none`, actual, expected);
  for (const name of ['contentType', 'cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage'] as const) {
    if (expected[name] !== undefined && actual[name] !== expected[name])
      fail(`${what}: expected ${name} ${quoted(expected[name])}, got ${quoted(actual[name])}`, actual[name], expected[name]);
  }
  expectPairs(actual.metadata, expected.metadata, `${what}: metadata`);
  expectPairs(actual.tags, expected.tags, `${what}: tags`);
}

function expectPairs(actual: Readonly<Record<string, string>> = {}, expected: Readonly<Record<string, string>> = {}, what: string): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    if (actual[name] !== expected[name])
      fail(`${what}: expected ${quoted(name)} to be ${quoted(expected[name])}, got ${quoted(actual[name])}`, actual, expected);
  }
}
