import { readFile } from 'node:fs/promises';
import type { EntitiesMapEntry } from '@stowage/links';
import { CommandError } from '@stowage/terminal';
import { EXIT } from './exit-code.ts';

/** Ids and the links that they shall have. */
export interface RemoteMap {
  readonly ids: readonly string[];
  readonly links: readonly string[];
}

const ID = /^[1-9]\d{0,15}$/;

/**
 * Reads a map of ids to links: JSON as `{"12": "s3://…"}` or `[{"id": 12, "link": "s3://…"}]` (also `remote`, `url`), or lines of
 * `12;s3://…` (also parted by a tab or a comma), with or without a header. Throws `CommandError` that names the place.
 */
export async function readRemoteMap(path: string, file: string): Promise<RemoteMap> {
  const text = await readText(path, file);
  const pairs = /^\s*[[{]/.test(text) ? jsonPairs(parseJson(text, file), file) : linePairs(text, file);
  const double = firstDouble(pairs.map(([id]) => id));
  if (double !== undefined) throw new CommandError(`${file}: the id ${double} comes twice`);
  return { ids: pairs.map(([id]) => id), links: pairs.map(([, link]) => link) };
}

/** Reads `{"12": {"name": …, "mime": …, "size": …, "remote": …}}`; every field may be left out. Throws `CommandError`. */
export async function readEntitiesMap(path: string, file: string): Promise<ReadonlyMap<string, EntitiesMapEntry>> {
  const parsed = parseJson(await readText(path, file), file);
  if (!isRecord(parsed)) throw new CommandError(`${file}: expected an object of ids, {"12": {"name": …, "remote": …}}; got ${kindOf(parsed)}`);
  return new Map(
    Object.entries(parsed).map(([id, entry]) => {
      if (!ID.test(id)) throw new CommandError(`${file}: expected ids of entities as keys; got ${JSON.stringify(id)}`);
      if (!isRecord(entry)) throw new CommandError(`${file}: ${id}: expected an object; got ${kindOf(entry)}`);
      for (const [field, type] of Object.entries(FIELDS)) {
        const value = entry[field];
        if (value !== undefined && typeof value !== type) throw new CommandError(`${file}: ${id}.${field}: expected a ${type}; got ${kindOf(value)}`);
      }
      return [id, Object.fromEntries(Object.keys(FIELDS).flatMap((field) => (entry[field] === undefined ? [] : [[field, entry[field]]])))];
    }),
  );
}

const FIELDS = { name: 'string', mime: 'string', size: 'number', remote: 'string' } as const;

async function readText(path: string, file: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    throw new CommandError(`the map ${JSON.stringify(file)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, EXIT.source, error);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file}: it is no JSON: ${(error as Error).message}`, undefined, error);
  }
}

function jsonPairs(parsed: unknown, file: string): (readonly [string, string])[] {
  if (Array.isArray(parsed))
    return parsed.map((one: unknown, i) => {
      if (!isRecord(one)) throw new CommandError(`${file}: [${i}]: expected an object with id and link; got ${kindOf(one)}`);
      return pairOf(one['id'], one['link'] ?? one['remote'] ?? one['url'], `${file}: [${i}]`);
    });
  if (!isRecord(parsed)) throw new CommandError(`${file}: expected an object or a list; got ${kindOf(parsed)}`);
  return Object.entries(parsed).map(([id, value]) =>
    pairOf(id, isRecord(value) ? (value['link'] ?? value['remote'] ?? value['url']) : value, `${file}: ${JSON.stringify(id)}`),
  );
}

function linePairs(text: string, file: string): (readonly [string, string])[] {
  return text.split('\n').flatMap((whole, i) => {
    const line = whole.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) return [];
    // The link is all the rest: it may hold a separator.
    const [, id = '', link = ''] = /^\s*([^;,\t]*?)\s*[;,\t](.*)$/.exec(line) ?? [];
    if (i === 0 && /^(?:entity_?)?id$/i.test(id)) return [];
    return [pairOf(id, link, `${file}:${i + 1}`)];
  });
}

function pairOf(id: unknown, link: unknown, where: string): readonly [string, string] {
  const text = typeof id === 'number' ? String(id) : id;
  if (typeof text !== 'string' || !ID.test(text))
    throw new CommandError(`${where}: expected the id of an entity; got ${typeof text === 'string' ? JSON.stringify(text.slice(0, 40)) : kindOf(id)}`);
  if (typeof link !== 'string' || link === '') throw new CommandError(`${where}: expected the link of the entity ${text}; got ${kindOf(link)}`);
  return [text, link];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function firstDouble(ids: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return ids.find((id) => seen.size === seen.add(id).size);
}
