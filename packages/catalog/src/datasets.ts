import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import { CatalogError } from './catalog-error.ts';
import type { Database } from './database.ts';
import type { Dataset, Datasets, NewDataset } from './dataset.ts';
import { type IdLike, parseId } from './id.ts';
import { assertNo, segmentFault } from './names.ts';
import type { Removed } from './project.ts';
import { noProject } from './projects.ts';
import { quoted } from './quoted.ts';
import type { Tables } from './tables.ts';

/** A dataset's place: its project, and the dataset it lies in. */
interface Parent {
  readonly projectId: number;
  readonly parentId: number | null;
}

export class DatasetTable implements Datasets {
  readonly #database: Database;
  readonly #now: () => Date;

  constructor(database: Database, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  async create(dataset: NewDataset): Promise<Dataset> {
    const parent = parentOf(dataset);
    return this.#database.write(async (db) => {
      await assertParent(db, parent);
      const made = await this.#insert(db, parent, dataset.name);
      if (made !== undefined) return made;
      throw new CatalogError('AlreadyExists', `there is a dataset ${quoted(dataset.name)} in that place already: choose another name, or use that one`);
    });
  }

  async ensure(dataset: NewDataset): Promise<Dataset> {
    const parent = parentOf(dataset);
    const found = await this.#database.read((db) => findIn(db, parent, dataset.name));
    return (
      found ??
      (await this.#database.write(async (db) => {
        await assertParent(db, parent);
        return this.#insertOrFind(db, parent, dataset.name);
      }))
    );
  }

  async ensurePath(projectId: IdLike, names: readonly string[]): Promise<Dataset> {
    const found = await this.findPath(projectId, names);
    if (found !== undefined) return found;
    const project = parseId(projectId, 'a project');
    return this.#database.write(async (db) => {
      await assertParent(db, { projectId: project, parentId: null });
      let last: Dataset | undefined;
      for (const name of names) last = await this.#insertOrFind(db, { projectId: project, parentId: last?.id ?? null }, name);
      return last as Dataset;
    });
  }

  async findPath(projectId: IdLike, names: readonly string[]): Promise<Dataset | undefined> {
    const project = parseId(projectId, 'a project');
    if (names.length === 0) throw new CatalogError('InvalidArgument', 'expected the names of a dataset and of those around it; got none');
    for (const name of names) assertNo(segmentFault(name), 'dataset');
    return this.#database.read(async (db) => {
      let last: Dataset | undefined;
      for (const name of names) {
        last = await findIn(db, { projectId: project, parentId: last?.id ?? null }, name);
        if (last === undefined) return undefined;
      }
      return last;
    });
  }

  async get(id: IdLike): Promise<Dataset> {
    const number = parseId(id, 'a dataset');
    const row = await this.#database.read((db) => db.selectFrom('datasets').selectAll().where('id', '=', number).executeTakeFirst());
    if (row === undefined) throw noDataset(number);
    return datasetOf(row);
  }

  async list(projectId: IdLike): Promise<Dataset[]> {
    const project = parseId(projectId, 'a project');
    return this.#database.read(async (db) => {
      const rows = await db.selectFrom('datasets').selectAll().where('project_id', '=', project).orderBy('id').execute();
      if (rows.length === 0) await assertParent(db, { projectId: project, parentId: null });
      return rows.map(datasetOf);
    });
  }

  async remove(id: IdLike): Promise<Removed> {
    const number = parseId(id, 'a dataset');
    return this.#database.write(async (db) => {
      const ids = await withNested(db, number);
      const entities = await db.deleteFrom('entities').where('dataset_id', 'in', nestedIds(db, number)).executeTakeFirst();
      // Those within go with it.
      await db.deleteFrom('datasets').where('id', '=', number).execute();
      return { datasets: ids.length, entities: Number(entities.numDeletedRows) };
    });
  }

  async #insertOrFind(db: Kysely<Tables>, parent: Parent, name: string): Promise<Dataset> {
    const made = (await this.#insert(db, parent, name)) ?? (await findIn(db, parent, name));
    if (made === undefined) throw new CatalogError('Unknown', `the dataset ${quoted(name)} was removed by another process at this moment: run again`);
    return made;
  }

  /** Undefined where the name is taken. */
  async #insert(db: Kysely<Tables>, { projectId, parentId }: Parent, name: string): Promise<Dataset | undefined> {
    const row = await db
      .insertInto('datasets')
      .values({ project_id: projectId, parent_id: parentId, name, created_at: this.#now().getTime() })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    return row && datasetOf(row);
  }
}

function parentOf({ projectId, parentId, name }: NewDataset): Parent {
  assertNo(segmentFault(name), 'dataset');
  return { projectId: parseId(projectId, 'a project'), parentId: parentId === undefined ? null : parseId(parentId, 'a dataset') };
}

async function assertParent(db: Kysely<Tables>, { projectId, parentId }: Parent): Promise<void> {
  const project = await db.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst();
  if (project === undefined) throw noProject(projectId);
  if (parentId === null) return;
  const parent = await db.selectFrom('datasets').select('project_id').where('id', '=', parentId).executeTakeFirst();
  if (parent === undefined) throw noDataset(parentId);
  if (parent.project_id !== projectId)
    throw new CatalogError('InvalidArgument', `dataset ${parentId} belongs to project ${parent.project_id}, not to project ${projectId}`);
}

async function findIn(db: Kysely<Tables>, { projectId, parentId }: Parent, name: string): Promise<Dataset | undefined> {
  const row = await db
    .selectFrom('datasets')
    .selectAll()
    .where('project_id', '=', projectId)
    // As the index has it, which is used for nothing else.
    .where(sql`coalesce(parent_id, 0)`, '=', parentId ?? 0)
    .where('name', '=', name)
    .executeTakeFirst();
  return row && datasetOf(row);
}

/** The dataset and those within it, however deep, in the order of their ids. Throws `NotFound`. */
async function withNested(db: Kysely<Tables>, id: number): Promise<number[]> {
  const rows = await nestedIds(db, id).orderBy('id').execute();
  if (rows.length === 0) throw noDataset(id);
  return rows.map((row) => row.id);
}

/** A query for the dataset and those within it. */
export function nestedIds(db: Kysely<Tables>, id: number): SelectQueryBuilder<Tables & { nested: { id: number } }, 'nested', { id: number }> {
  return db
    .withRecursive('nested', (cte) =>
      cte
        .selectFrom('datasets')
        .select('id')
        .where('id', '=', id)
        .unionAll((within) => within.selectFrom('datasets').innerJoin('nested', 'nested.id', 'datasets.parent_id').select('datasets.id')),
    )
    .selectFrom('nested')
    .select('id');
}

export function noDataset(id: number): CatalogError {
  return new CatalogError('NotFound', `there is no dataset ${id} in this catalog`);
}

function datasetOf(row: Selectable<Tables['datasets']>): Dataset {
  return {
    id: row.id,
    projectId: row.project_id,
    ...(row.parent_id === null ? undefined : { parentId: row.parent_id }),
    name: row.name,
    createdAt: new Date(row.created_at),
  };
}
