import { afterPrefix } from '@stowage/core';
import { type Expression, type ExpressionBuilder, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { CatalogError } from './catalog-error.ts';
import { nestedIds, noDataset } from './datasets.ts';
import type { EntityFilter, EntityOrder } from './entity-filter.ts';
import { type Id, parseId } from './id.ts';
import { noProject } from './projects.ts';
import { quoted } from './quoted.ts';
import type { EntityRow, Tables } from './tables.ts';

/** A filter with its ids read. */
export interface Selection extends Pick<EntityFilter, 'linked' | 'local' | 'linkPrefix'> {
  readonly projectId?: Id;
  readonly datasetId?: Id;
  readonly nested: boolean;
}

export function selectionOf(filter: EntityFilter): Selection {
  const { projectId, datasetId, nested = false, ...others } = filter;
  return {
    ...others,
    nested,
    ...(projectId === undefined ? undefined : { projectId: parseId(projectId, 'a project') }),
    ...(datasetId === undefined ? undefined : { datasetId: parseId(datasetId, 'a dataset') }),
  };
}

export interface RowPage {
  readonly rows: readonly EntityRow[];
  /** Where the next page begins; absent from the last one. */
  readonly next?: Position;
}

/** Behind this entity a page begins. */
interface Position {
  readonly datasetId: number;
  readonly id: number;
  readonly link: string;
}

/** Datasets asked for at once: their ids alone. */
const DATASETS_AT_ONCE = 500;

/** One page of the rows that a selection takes, found by an index from where the last one ended: the millionth costs what the first did. */
export function readPage(db: Kysely<Tables>, selection: Selection, order: EntityOrder, limit: number, behind: Position | undefined): Promise<RowPage> {
  return order === 'id' ? pageById(db, selection, limit, behind) : pageByLink(db, selection, limit, behind);
}

/** Dataset by dataset, each in the order of ids: a walk over one project never passes the entities of another. */
async function pageById(db: Kysely<Tables>, selection: Selection, limit: number, behind: Position | undefined): Promise<RowPage> {
  const rows: EntityRow[] = [];
  let from = behind?.datasetId ?? 0;
  for (;;) {
    const datasets = await datasetsOf(db, selection).where('id', '>=', from).orderBy('id').limit(DATASETS_AT_ONCE).execute();
    for (const { id: datasetId } of datasets) {
      const found = await db
        .selectFrom('entities')
        .selectAll()
        .where('dataset_id', '=', datasetId)
        .where('id', '>', datasetId === behind?.datasetId ? behind.id : 0)
        .where((on) => on.and(conditions(on, selection)))
        .orderBy('id')
        .limit(limit + 1 - rows.length)
        .execute();
      for (const row of found) rows.push(row);
      if (rows.length > limit) return cut(rows, limit);
    }
    const last = datasets.at(-1);
    if (last === undefined || datasets.length < DATASETS_AT_ONCE) return { rows };
    from = last.id + 1;
  }
}

/** Along the index of links, which also holds the datasets. */
async function pageByLink(db: Kysely<Tables>, selection: Selection, limit: number, behind: Position | undefined): Promise<RowPage> {
  const { linkPrefix = '' } = selection;
  const end = afterPrefix(linkPrefix);
  let query = db
    .selectFrom('entities')
    .selectAll()
    .where('link', 'is not', null)
    .where((on) => on.and(conditions(on, { ...selection, linkPrefix: '' })))
    .orderBy('link')
    .orderBy('dataset_id')
    .orderBy('id')
    .limit(limit + 1);
  if (end !== undefined) query = query.where('link', '<', end);
  // Asked of each row, and the sign for the same end: else an engine may walk the datasets' index and sort what it finds.
  const { projectId } = selection;
  if (projectId !== undefined) {
    query = query.where((on) => on(on.selectFrom('datasets').select('project_id').whereRef('datasets.id', '=', 'entities.dataset_id'), '=', projectId));
  }
  if (selection.datasetId !== undefined) {
    query = selection.nested
      ? query.where(sql`+dataset_id`, 'in', nestedIds(db, selection.datasetId))
      : query.where(sql`+dataset_id`, '=', selection.datasetId);
  }
  // One lower bound, or an engine may choose the wrong one to begin from.
  query =
    behind === undefined
      ? query.where('link', '>=', linkPrefix)
      : query.where(sql<SqlBool>`(link, dataset_id, id) > (${behind.link}, ${behind.datasetId}, ${behind.id})`);
  return cut(await query.execute(), limit);
}

/** One more than the limit was asked for: whether it came says whether there is a next page. */
function cut(rows: EntityRow[], limit: number): RowPage {
  if (rows.length <= limit) return { rows };
  rows.length = limit;
  const last = rows[limit - 1] as EntityRow;
  return { rows, next: { datasetId: last.dataset_id, id: last.id, link: last.link ?? '' } };
}

/** What a selection asks of an entity itself. Written so that no index serves the prefix: the walk keeps its order. */
export function conditions(on: ExpressionBuilder<Tables, 'entities'>, { linked, local, linkPrefix = '' }: Selection): Expression<SqlBool>[] {
  const all: Expression<SqlBool>[] = [];
  if (linked !== undefined) all.push(on('link', linked ? 'is not' : 'is', null));
  if (local !== undefined) all.push(on('local', local ? 'is not' : 'is', null));
  if (linkPrefix !== '') all.push(sql<SqlBool>`substr(link, 1, ${sql.lit(Array.from(linkPrefix).length)}) = ${linkPrefix}`);
  return all;
}

export function hasScope({ projectId, datasetId }: Selection): boolean {
  return projectId !== undefined || datasetId !== undefined;
}

/** The ids of the datasets that a selection takes. */
export function datasetsOf(db: Kysely<Tables>, { projectId, datasetId, nested }: Selection): SelectQueryBuilder<Tables, 'datasets', { id: number }> {
  let query = db.selectFrom('datasets').select('id');
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  if (datasetId !== undefined) query = nested ? query.where('id', 'in', nestedIds(db, datasetId)) : query.where('id', '=', datasetId);
  return query;
}

/** Throws `NotFound` where the project or dataset is not there: "nothing found" would hide a wrong number. */
export async function assertScope(db: Kysely<Tables>, { projectId, datasetId }: Selection): Promise<void> {
  if (projectId !== undefined) {
    const project = await db.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst();
    if (project === undefined) throw noProject(projectId);
  }
  if (datasetId !== undefined) {
    const dataset = await db.selectFrom('datasets').select('id').where('id', '=', datasetId).executeTakeFirst();
    if (dataset === undefined) throw noDataset(datasetId);
  }
}

/** A position as text. The link stands last, as it may hold anything. */
export function writeCursor(order: EntityOrder, { datasetId, id, link }: Position): string {
  return order === 'id' ? `id:${datasetId}:${id}` : `link:${datasetId}:${id}:${link}`;
}

export function readCursor(order: EntityOrder, cursor: string): Position {
  const parts = (order === 'id' ? /^id:(\d{1,16}):(\d{1,16})()$/ : /^link:(\d{1,16}):(\d{1,16}):([^]*)$/).exec(cursor);
  if (parts === null) throw new CatalogError('InvalidArgument', `expected a cursor that a page in the order "${order}" gave; got ${quoted(cursor)}`);
  return { datasetId: Number(parts[1]), id: Number(parts[2]), link: parts[3] ?? '' };
}
