import { sql } from 'kysely';
import { CatalogError } from './catalog-error.ts';
import type { Database } from './database.ts';
import { type IdLike, parseId } from './id.ts';
import { assertNo, nameFault } from './names.ts';
import { type NewProject, type Project, PROJECT_TYPES, type Projects, type ProjectType, type Removed } from './project.ts';
import { quoted } from './quoted.ts';
import type { Tables } from './tables.ts';
import type { Kysely, Selectable } from 'kysely';

export class ProjectTable implements Projects {
  readonly #database: Database;
  readonly #now: () => Date;

  constructor(database: Database, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  async create(project: NewProject): Promise<Project> {
    assertProject(project);
    return this.#database.write(async (db) => {
      const row = await this.#insert(db, project);
      if (row !== undefined) return row;
      throw new CatalogError('AlreadyExists', `there is a project ${quoted(project.name)} already: choose another name, or use that one`);
    });
  }

  async ensure(project: NewProject): Promise<Project> {
    assertProject(project);
    const found = (await this.find(project.name)) ?? (await this.#database.write((db) => this.#insertOrFind(db, project)));
    if (found.type === project.type) return found;
    throw new CatalogError('AlreadyExists', `the project ${quoted(project.name)} is of ${found.type}, not of ${project.type}: choose another name`);
  }

  async #insertOrFind(db: Kysely<Tables>, project: NewProject): Promise<Project> {
    const made = await this.#insert(db, project);
    return made ?? projectOf(await db.selectFrom('projects').selectAll().where('name', '=', project.name).executeTakeFirstOrThrow());
  }

  /** Undefined where the name is taken. */
  async #insert(db: Kysely<Tables>, { name, type }: NewProject): Promise<Project | undefined> {
    const row = await db
      .insertInto('projects')
      .values({ name, type, created_at: this.#now().getTime() })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst();
    return row && projectOf(row);
  }

  async get(id: IdLike): Promise<Project> {
    const number = parseId(id, 'a project');
    const row = await this.#database.read((db) => db.selectFrom('projects').selectAll().where('id', '=', number).executeTakeFirst());
    if (row === undefined) throw noProject(number);
    return projectOf(row);
  }

  async find(name: string): Promise<Project | undefined> {
    if (nameFault(name) !== undefined) return undefined;
    const row = await this.#database.read((db) => db.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirst());
    return row && projectOf(row);
  }

  async list(): Promise<Project[]> {
    const rows = await this.#database.read((db) => db.selectFrom('projects').selectAll().orderBy('id').execute());
    return rows.map(projectOf);
  }

  async remove(id: IdLike): Promise<Removed> {
    const number = parseId(id, 'a project');
    return this.#database.write(async (db) => {
      const datasets = db.selectFrom('datasets').where('project_id', '=', number);
      const counts = await datasets.select(sql<number>`count(*)`.as('datasets')).executeTakeFirstOrThrow();
      const { numDeletedRows: entities } = await db.deleteFrom('entities').where('dataset_id', 'in', datasets.select('id')).executeTakeFirst();
      const { numDeletedRows: projects } = await db.deleteFrom('projects').where('id', '=', number).executeTakeFirst();
      if (Number(projects) === 0) throw noProject(number);
      return { datasets: counts.datasets, entities: Number(entities) };
    });
  }
}

export function noProject(id: number): CatalogError {
  return new CatalogError('NotFound', `there is no project ${id} in this catalog`);
}

function assertProject({ name, type }: NewProject): void {
  assertNo(nameFault(name), 'project');
  if (PROJECT_TYPES.includes(type)) return;
  throw new CatalogError('InvalidArgument', `project ${quoted(name)}: expected the type ${PROJECT_TYPES.join(' or ')}; got ${quoted(type)}`);
}

function projectOf(row: Selectable<Tables['projects']>): Project {
  return { id: row.id, name: row.name, type: row.type as ProjectType, createdAt: new Date(row.created_at) };
}
