import { createHash } from 'node:crypto';
import type { Database } from './database.ts';
import type { EntityFilter } from './entity-filter.ts';
import { assertScope, datasetsOf, readPage, selectionOf } from './entity-pages.ts';
import { ENTITY_COLUMNS } from './tables.ts';

const PAGE = 2000;

/** SHA-256 over the datasets and entities that a filter takes: a line of JSON for each row, its columns in their order. */
export async function fingerprint(database: Database, filter: EntityFilter): Promise<string> {
  const selection = selectionOf(filter);
  const hash = createHash('sha256');
  await database.read(async (db) => {
    await assertScope(db, selection);
    const datasets = await datasetsOf(db, selection).select(['project_id', 'parent_id', 'name', 'created_at']).orderBy('id').execute();
    for (const row of datasets) hash.update(`${JSON.stringify([row.id, row.project_id, row.parent_id, row.name, row.created_at])}\n`);
  });
  let behind: Awaited<ReturnType<typeof readPage>>['next'];
  do {
    const { rows, next } = await database.walk((db) => readPage(db, selection, 'id', PAGE, behind));
    hash.update(rows.map((row) => `${JSON.stringify(ENTITY_COLUMNS.map((column) => row[column]))}\n`).join(''));
    behind = next;
  } while (behind !== undefined);
  return hash.digest('hex');
}
