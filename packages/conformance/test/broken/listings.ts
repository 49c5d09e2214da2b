import { type BucketDriver, compareKeys, type ListOptions, type ListPage, type ObjectInfo } from '@stowage/core';
import { broken, type BrokenDriver } from './broken-driver.ts';

type Entry = { readonly name: string; readonly object?: ObjectInfo };

/** All that the listing would give, in one piece. */
async function entriesOf(inner: BucketDriver, { limit: _limit, cursor: _cursor, ...o }: ListOptions): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const page of inner.list(o))
    entries.push(...page.objects.map((object) => ({ name: object.key, object })), ...page.prefixes.map((name) => ({ name })));
  return entries.sort((a, b) => compareKeys(a.name, b.name));
}

/** The entries page by page; the cursor is how many have been given. */
async function* paged(entries: readonly Entry[], o: ListOptions): AsyncIterable<ListPage> {
  const limit = Math.min(o.limit ?? 1000, 1000);
  let at = Number(o.cursor ?? 0);
  do {
    const some = entries.slice(at, at + limit);
    at += limit;
    yield {
      objects: some.flatMap(({ object }) => object ?? []),
      prefixes: some.flatMap(({ name, object }) => (object === undefined ? [name] : [])),
      issues: [],
      ...(at < entries.length ? { cursor: String(at) } : {}),
    };
  } while (at < entries.length);
}

/** A driver whose listings are made of other entries than they should be. */
function relisting(fault: string, fails: string, entries: (inner: BucketDriver, o: ListOptions) => Promise<Entry[]>): BrokenDriver {
  return broken(fault, fails, (inner) => ({
    async *list(o): AsyncIterable<ListPage> {
      yield* paged(await entries(inner, o), o);
    },
  }));
}

/** A driver whose pages are right one by one, and wrong together. */
function repaging(fault: string, fails: string, pages: (inner: BucketDriver, o: ListOptions) => AsyncIterable<ListPage>): BrokenDriver {
  return broken(fault, fails, (inner) => ({ list: (o) => pages(inner, o) }));
}

/** Ways to list wrongly. */
export const BROKEN_LISTINGS: readonly BrokenDriver[] = [
  relisting('lists in UTF-16 order', 'lists in UTF-8 byte order, not in that of UTF-16', async (inner, o) =>
    (await entriesOf(inner, o)).sort((a, b) => (a.name < b.name ? -1 : 1)),
  ),
  relisting('lists folder by folder', 'lists upper case, digits, punctuation and folders in byte order', async (inner, o) =>
    (await entriesOf(inner, o)).sort((a, b) => bySegments(a.name, b.name)),
  ),
  relisting('startAfter is inclusive', 'startAfter is exclusive', async (inner, { startAfter, ...o }) =>
    (await entriesOf(inner, o)).filter(({ name }) => startAfter === undefined || compareKeys(name, startAfter) >= 0),
  ),
  relisting('until is inclusive', 'until is exclusive', async (inner, { until, ...o }) =>
    (await entriesOf(inner, o)).filter(({ name }) => until === undefined || compareKeys(name, until) <= 0),
  ),
  relisting('startAfter is compared as UTF-16', 'startAfter and until bound the listing in UTF-8 byte order', async (inner, { startAfter, ...o }) =>
    (await entriesOf(inner, o)).filter(({ name }) => startAfter === undefined || name > startAfter),
  ),
  relisting('a prefix is a folder', 'a prefix selects by characters, not by path segments', async (inner, o) => {
    const folder = o.prefix === undefined || o.prefix === '' || o.prefix.endsWith('/') ? o.prefix : `${o.prefix}/`;
    return entriesOf(inner, folder === undefined ? o : { ...o, prefix: folder });
  }),
  relisting('a prefix that is a key leaves that key out', 'a prefix that is itself a key lists that key, too', async (inner, o) =>
    (await entriesOf(inner, o)).filter(({ name }) => name !== o.prefix),
  ),
  relisting('a prefix is a pattern', 'a prefix is taken as it stands, whatever it holds', async (inner, { prefix = '', ...o }) => {
    const pattern = new RegExp(`^${prefix.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`).replaceAll('*', '.*')}`, 'u');
    return (await entriesOf(inner, prefix.includes('*') ? o : { ...o, prefix })).filter(({ name }) => pattern.test(name));
  }),
  repaging(
    'a common prefix is given again on the next page',
    'gives each common prefix once, also where a page ends within it',
    async function* (inner, { delimiter, ...o }) {
      // Pages of keys, grouped one by one.
      for await (const page of inner.list(o)) {
        if (delimiter === undefined) yield page;
        else yield grouped(page, o.prefix ?? '', delimiter);
      }
    },
  ),
  repaging('a page is given twice', 'gives 2,500 keys over pages, each once', async function* (inner, o) {
    let first = true;
    for await (const page of inner.list(o)) {
      if (first && page.cursor !== undefined) yield page;
      first = false;
      yield page;
    }
  }),
  repaging('the last page lacks its common prefixes', 'the last page has its common prefixes', async function* (inner, o) {
    for await (const page of inner.list(o)) yield page.cursor === undefined ? { ...page, prefixes: [] } : page;
  }),
  repaging('a listing ends after its first page', 'gives 2,500 keys over pages, each once', async function* (inner, o) {
    for await (const { cursor: _, ...page } of inner.list(o)) {
      yield page;
      return;
    }
  }),
  broken('a cursor is known to its own instance only', 'goes on from a cursor that was written down, in another instance', (inner) => {
    const cursors = new Map<string, string>();
    return {
      async *list(o): AsyncIterable<ListPage> {
        const { cursor: asked, ...rest } = o;
        const known = asked === undefined ? undefined : cursors.get(asked);
        for await (const page of inner.list(known === undefined ? rest : { ...rest, cursor: known })) {
          if (page.cursor === undefined) {
            yield page;
            continue;
          }
          const name = `cursor-${cursors.size}`;
          cursors.set(name, page.cursor);
          yield { ...page, cursor: name };
        }
      },
    };
  }),
  repaging('a cursor counts entries', 'keys that stay are listed once while others come and go between pages', async function* (inner, o) {
    yield* paged(await entriesOf(inner, o), o);
  }),
  repaging('the limit is ignored', 'groups keys behind a delimiter at every page size from 1 to 10', (inner, { limit: _, ...o }) => inner.list(o)),
  repaging(
    'a listing tells another revision than head',
    'tells size, time and revision of each object as head does, and no headers',
    async function* (inner, o) {
      for await (const page of inner.list(o)) yield { ...page, objects: page.objects.map((object) => ({ ...object, revision: { etag: `"${object.size}"` } })) };
    },
  ),
  repaging('an issue is told where there is none', 'gives 2,500 keys over pages, each once', async function* (inner, o) {
    for await (const page of inner.list(o)) yield { ...page, issues: [{ key: 'x', kind: 'symlink', message: 'a link' }] };
  }),
  repaging('an empty bucket gives no page', 'an empty bucket lists as one empty page without a cursor', async function* (inner, o) {
    for await (const page of inner.list(o)) if (page.objects.length + page.prefixes.length > 0) yield page;
  }),
];

function bySegments(a: string, b: string): number {
  const [x, y] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = compareKeys(x[i] as string, y[i] as string);
    if (order !== 0) return order;
  }
  return x.length - y.length;
}

function grouped(page: ListPage, prefix: string, delimiter: string): ListPage {
  const end = (key: string): number => key.indexOf(delimiter, prefix.length);
  const prefixes = page.objects.flatMap(({ key }) => (end(key) < 0 ? [] : [key.slice(0, end(key) + delimiter.length)]));
  return { ...page, objects: page.objects.filter(({ key }) => end(key) < 0), prefixes: [...new Set(prefixes)] };
}
