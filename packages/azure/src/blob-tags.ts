import { type Call, isStorageError, type ObjectInfo } from '@stowage/core';
import { type AnswerHeaders, decodedText, headerOf } from '@stowage/wire';
import { checkedTags } from './convert-headers.ts';
import { pick } from './pick.ts';
import type { StoreConnection } from './wire/store-connection.ts';
import { encodedText } from './xml/text.ts';

/** Tags are not told with a blob, only their number. Where these credentials may not read them (letter `t`), they stay unknown. */
export async function withTags(
  store: StoreConnection,
  info: ObjectInfo,
  answered: AnswerHeaders,
  o: Call & { readonly version?: string },
): Promise<ObjectInfo> {
  if (Number(headerOf(answered, 'x-ms-tag-count') ?? 0) === 0) return info;
  try {
    return { ...info, headers: { ...info.headers, tags: await readTags(store, info.key, o) } };
  } catch (error) {
    if (isStorageError(error, 'AccessDenied') || isStorageError(error, 'NotFound')) return info;
    throw error;
  }
}

async function readTags(store: StoreConnection, key: string, o: Call & { readonly version?: string }): Promise<Record<string, string>> {
  const context = store.context('readTags', key);
  const query = { comp: 'tags', ...pick('versionid', o.version) };
  const { text } = await store.text({ ...pick('signal', o.signal), method: 'GET', key, query, right: 'tags', context });
  const tags: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/<Tag>\s*<Key>([^<]*)<\/Key>\s*(?:<Value>([^<]*)<\/Value>|<Value\s*\/>)\s*<\/Tag>/g))
    tags[decodedText(name as string)] = decodedText(value ?? '');
  return tags;
}

/** Replaces all tags. They have no part in the ETag, so no condition on it can guard them. */
export async function writeTags(store: StoreConnection, key: string, tags: Readonly<Record<string, string>>, o: Call): Promise<void> {
  const set = checkedTags(tags, key)
    .map((name) => `<Tag><Key>${encodedText(name)}</Key><Value>${encodedText(tags[name] as string)}</Value></Tag>`)
    .join('');
  const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><Tags><TagSet>${set}</TagSet></Tags>`);
  const context = store.context('setHeaders', key);
  await store.done({ ...o, method: 'PUT', key, query: { comp: 'tags' }, headers: { 'content-type': 'application/xml' }, body, right: 'tags', context });
}
