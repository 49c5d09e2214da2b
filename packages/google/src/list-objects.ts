import { afterPrefix, type Call, type ListOptions, type ListPage, type ObjectInfo, StorageError } from '@stowage/core';
import { signalOf } from '@stowage/wire';
import { LISTED_FIELDS, listedInfo, type ObjectResource } from './convert-object.ts';
import { RESERVED } from './reserved-names.ts';
import type { ServiceClient } from './service-client.ts';

/** Items and prefixes of a page together: https://cloud.google.com/storage/docs/json_api/v1/objects/list */
export const MAX_PAGE = 1000;

export interface ListAnswer {
  readonly items?: readonly ObjectResource[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
}

export interface ListQuery extends Call {
  readonly prefix?: string | undefined;
  readonly delimiter?: string | undefined;
  /** Inclusive. */
  readonly startOffset?: string | undefined;
  /** Exclusive. */
  readonly endOffset?: string | undefined;
  readonly limit: number;
  readonly pageToken?: string | undefined;
  readonly fields?: string;
}

export async function listPage(
  client: ServiceClient,
  { limit, fields = LISTED_FIELDS, signal, prefix, delimiter, startOffset, endOffset, pageToken }: ListQuery,
  operation: string = 'list',
): Promise<ListAnswer> {
  return await client.json<ListAnswer>({
    method: 'GET',
    path: client.objectPath(),
    query: { prefix: prefix === '' ? undefined : prefix, delimiter, startOffset, endOffset, pageToken, maxResults: String(limit), fields },
    context: client.context(operation),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Pages of the listing in the open interval from `startAfter` to `until`. The service's marks are inclusive and exclusive, in UTF-8 byte order. */
export async function* listPages(client: ServiceClient, o: ListOptions): AsyncIterable<ListPage> {
  const { prefix = '', startAfter, until, delimiter } = o;
  const limit = Math.min(o.limit ?? MAX_PAGE, MAX_PAGE);
  let { cursor } = o;
  for (;;) {
    const answer = await listPage(client, { ...signalOf(o), prefix, delimiter, startOffset: startAfter, endOffset: until, limit, pageToken: cursor });
    const { items = [], prefixes = [], nextPageToken: next } = answer;
    const objects: ObjectInfo[] = [];
    for (const item of items) if (item.name !== startAfter && !item.name.startsWith(RESERVED)) objects.push(listedInfo(item));
    const shown = await shownPrefixes(client, startAfter === undefined ? prefixes : prefixes.filter((each) => isBehind(each, startAfter)), o);
    if (next !== undefined && next === cursor)
      throw new StorageError('Unavailable', 'the service gave the same page twice; the listing was ended, as it would never end');
    yield { objects, prefixes: shown, issues: [], ...(next === undefined ? {} : { cursor: next }) };
    if (next === undefined) return;
    cursor = next;
  }
}

function isBehind(prefix: string, mark: string): boolean {
  return Buffer.compare(Buffer.from(prefix), Buffer.from(mark)) > 0;
}

/** Without the prefix of unfinished uploads; and without one that holds nothing else (`.stowage-`, where the delimiter is `-`). */
async function shownPrefixes(client: ServiceClient, prefixes: readonly string[], o: ListOptions): Promise<readonly string[]> {
  const shown = prefixes.filter((prefix) => !prefix.startsWith(RESERVED));
  const above = shown.find((prefix) => RESERVED.startsWith(prefix));
  if (above === undefined) return shown;
  const [before, behind] = await Promise.all([
    listPage(client, { ...signalOf(o), prefix: above, startOffset: o.startAfter, endOffset: lesser(o.until, RESERVED), limit: 1 }),
    listPage(client, { ...signalOf(o), prefix: above, startOffset: afterPrefix(RESERVED), endOffset: o.until, limit: 1 }),
  ]);
  const holds = [...(before.items ?? []), ...(behind.items ?? [])].some(({ name }) => name !== o.startAfter);
  return holds ? shown : shown.filter((prefix) => prefix !== above);
}

function lesser(until: string | undefined, mark: string): string {
  return until !== undefined && isBehind(mark, until) ? until : mark;
}
