import { type ColumnDataType, type Kysely, type RawBuilder, sql } from 'kysely';
import { CatalogError } from './catalog-error.ts';
import type { Tables } from './tables.ts';

/** What the two engines call the same column type. */
export interface ColumnTypes {
  /** A key that is counted up and never given twice. */
  readonly counter: RawBuilder<unknown>;
  readonly number: ColumnDataType;
  /** Text that compares byte by byte. */
  readonly text: RawBuilder<unknown>;
  /** What an index that ends in the id must name: SQLite's end in it anyway. */
  readonly closingId: readonly 'id'[];
}

type Migration = (db: Kysely<Tables>, types: ColumnTypes) => Promise<void>;

/** Step n brings a catalog from version n to n + 1. A step that was released is never changed: a new one follows. */
const MIGRATIONS: readonly Migration[] = [createTables];

/** The version that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Brings the tables from a version (0: none) to this one. To be called in a transaction that keeps other processes from doing the same. */
export async function migrate(db: Kysely<Tables>, types: ColumnTypes, from: number): Promise<void> {
  for (const step of MIGRATIONS.slice(from)) await step(db, types);
  if (from === 0) await db.insertInto('catalog_version').values({ version: SCHEMA_VERSION }).execute();
  else await db.updateTable('catalog_version').set({ version: SCHEMA_VERSION }).execute();
}

/** Throws where this code must not touch the tables. */
export function assertReadableVersion(version: number, location: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new CatalogError(
    'NewerSchema',
    `${location} was made by a newer Stowage: its schema is version ${version}, this one knows ${SCHEMA_VERSION}. Update @stowage/catalog, or open another catalog.`,
  );
}

async function createTables(db: Kysely<Tables>, { counter, number, text, closingId }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('catalog_version')
    .addColumn('version', number, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('projects')
    .addColumn('id', counter)
    .addColumn('name', text, (column) => column.notNull().unique())
    .addColumn('type', text, (column) => column.notNull())
    .addColumn('created_at', number, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('datasets')
    .addColumn('id', counter)
    .addColumn('project_id', number, (column) => column.notNull().references('projects.id').onDelete('cascade'))
    .addColumn('parent_id', number, (column) => column.references('datasets.id').onDelete('cascade'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('created_at', number, (column) => column.notNull())
    .execute();
  // An absent parent is a value here: two nulls would not be the same.
  await db.schema
    .createIndex('datasets_name')
    .unique()
    .on('datasets')
    .columns(['project_id'])
    .column(sql`coalesce(parent_id, 0)`)
    .column('name')
    .execute();
  await db.schema.createIndex('datasets_parent').on('datasets').column('parent_id').execute();
  await db.schema
    .createTable('entities')
    .addColumn('id', counter)
    .addColumn('dataset_id', number, (column) => column.notNull().references('datasets.id').onDelete('cascade'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('local', text)
    .addColumn('link', text)
    .addColumn('link_etag', text)
    .addColumn('link_version', text)
    .addColumn('hash', text)
    .addColumn('size', number)
    .addColumn('mime', text)
    .addColumn('width', number)
    .addColumn('height', number)
    .addColumn('meta', text, (column) => column.notNull())
    .addColumn('tags', text, (column) => column.notNull())
    .addColumn('version', number, (column) => column.notNull())
    .addColumn('created_at', number, (column) => column.notNull())
    .addColumn('updated_at', number, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('entities_name').unique().on('entities').columns(['dataset_id', 'name']).execute();
  await db.schema
    .createIndex('entities_order')
    .on('entities')
    .columns(['dataset_id', ...closingId])
    .execute();
  // By link first: lookups in one dataset and walks in the order of a storage's listing use the same index. Not unique: two entities
  // of one content may be linked to one object.
  await db.schema
    .createIndex('entities_link')
    .on('entities')
    .columns(['link', 'dataset_id', ...closingId])
    .where('link', 'is not', null)
    .execute();
  await db.schema
    .createTable('link_changes')
    .addColumn('id', counter)
    .addColumn('entity_id', number, (column) => column.notNull().references('entities.id').onDelete('cascade'))
    .addColumn('at', number, (column) => column.notNull())
    .addColumn('cause', text, (column) => column.notNull())
    .addColumn('version', number, (column) => column.notNull())
    .addColumn('from_local', text)
    .addColumn('from_link', text)
    .addColumn('from_etag', text)
    .addColumn('from_version', text)
    .addColumn('to_local', text)
    .addColumn('to_link', text)
    .addColumn('to_etag', text)
    .addColumn('to_version', text)
    .execute();
  await db.schema
    .createIndex('link_changes_entity')
    .on('link_changes')
    .columns(['entity_id', ...closingId])
    .execute();
  await db.schema
    .createTable('import_runs')
    .addColumn('id', counter)
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('started_at', number, (column) => column.notNull())
    .addColumn('finished_at', number)
    .execute();
  await db.schema.createIndex('import_runs_open').unique().on('import_runs').column('key').where(sql.ref('finished_at'), 'is', null).execute();
  await db.schema
    .createTable('import_sources')
    .addColumn('id', counter)
    .addColumn('run_id', number, (column) => column.notNull().references('import_runs.id').onDelete('cascade'))
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('byte_offset', number, (column) => column.notNull())
    .addColumn('line', number, (column) => column.notNull())
    .addColumn('finished', number, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addUniqueConstraint('import_sources_source', ['run_id', 'source'])
    .execute();
}
