import { compareKeys, type ListIssue, type ListPage, type ObjectInfo, type Revision } from '@stowage/core';
import { DatabaseSync } from 'node:sqlite';

const PAGE = 1000;
const OBJECT = 0;
const ISSUE = 1;

type Row = readonly [key: string, kind: number, data: string];

/** An object without its key, as it is kept. */
type StoredInfo = readonly [size: number, lastModified: number, revision: Revision, checksums: ObjectInfo['checksums']];

/** Told of what a listing is like. */
export interface SortFindings {
  /** Each object that the store has given a second time; the first one counts. */
  readonly twice: (key: string) => void;
  /** All of it was in order. */
  readonly inOrder: () => void;
}

/**
 * A listing in UTF-8 byte order of keys, whatever order its store gives it in. All of it is read first, into a file without a name: the
 * memory that it takes does not grow with it.
 */
export async function* sortedPages(pages: AsyncIterable<ListPage>, found: SortFindings): AsyncGenerator<ListPage, void, undefined> {
  const db = openNameless();
  try {
    await fill(db, pages, found);
    const select = db.prepare(`SELECT key, kind, data FROM entry WHERE (key, kind) > (?, ?) ORDER BY key, kind LIMIT ${PAGE}`);
    select.setReturnArrays(true);
    let last: readonly [string, number] = ['', -1];
    for (;;) {
      const rows = select.all(...last) as unknown as Row[];
      const end = rows.at(-1);
      yield pageOf(rows);
      if (end === undefined || rows.length < PAGE) return;
      last = [end[0], end[1]];
    }
  } finally {
    db.close();
  }
}

async function fill(db: DatabaseSync, pages: AsyncIterable<ListPage>, { twice, inOrder }: SortFindings): Promise<void> {
  let last: string | undefined;
  let ordered = true;
  const insert = db.prepare('INSERT OR IGNORE INTO entry (key, kind, data) VALUES (?, ?, ?)');
  for await (const { objects, issues } of pages) {
    db.exec('BEGIN');
    for (const { key, size, lastModified, revision, checksums } of objects) {
      const stored: StoredInfo = [size, lastModified.getTime(), revision, checksums];
      if (insert.run(key, OBJECT, JSON.stringify(stored)).changes === 0) twice(key);
      ordered &&= last === undefined || compareKeys(last, key) < 0;
      last = key;
    }
    // Names that are no UTF-8 are shown alike: several issues may have one key, and one of them is enough.
    for (const issue of issues) insert.run(issue.key, ISSUE, JSON.stringify(issue));
    db.exec('COMMIT');
  }
  if (ordered) inOrder();
}

function pageOf(rows: readonly Row[]): ListPage {
  const objects: ObjectInfo[] = [];
  const issues: ListIssue[] = [];
  for (const [key, kind, data] of rows) {
    if (kind === ISSUE) {
      issues.push(JSON.parse(data) as ListIssue);
      continue;
    }
    const [size, lastModified, revision, checksums] = JSON.parse(data) as StoredInfo;
    objects.push({ key, size, lastModified: new Date(lastModified), revision, checksums });
  }
  return { objects, prefixes: [], issues };
}

/** SQLite's own kind of temporary: a file without a name in the system's folder for these, once it does not fit into 8 MiB of memory. */
function openNameless(): DatabaseSync {
  const db = new DatabaseSync('');
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192;');
  db.exec('CREATE TABLE entry (key TEXT NOT NULL, kind INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (key, kind)) STRICT, WITHOUT ROWID');
  return db;
}
