import type { Kysely } from 'kysely';
import type { EntityRow, LinkChangeRow, Tables } from './tables.ts';

/**
 * What an engine owes to the rest of the package: the query builder for what is small, and a few statements over thousands of rows,
 * each written as the engine does it best. Every error that comes out of it is a `CatalogError`.
 */
export interface Database {
  readonly engine: 'sqlite' | 'postgres';
  readonly location: string;
  /** Reads; sees what was committed before. */
  read<T>(work: (db: Kysely<Tables>, rows: BulkReads) => Promise<T>): Promise<T>;
  /** As {@link read}, for pages of a walk: their order must come from an index, however little the engine knows of the table. */
  walk<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** One transaction: committed when the work has ended, undone when it throws. May only await what it is given. */
  write<T>(work: (db: Kysely<Tables>, rows: BulkRows) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A link or a name in a dataset. */
export interface TextInDataset {
  readonly datasetId: number;
  readonly text: string;
}

/** An entity by id and name. */
export interface NamedId {
  readonly id: number;
  readonly name: string;
}

export interface BulkReads {
  /** The oldest entity with the link in the dataset, for each. */
  findLinks(links: readonly TextInDataset[]): Promise<(NamedId | undefined)[]>;
  findNames(names: readonly TextInDataset[]): Promise<(number | undefined)[]>;
  /** Rows by id, as far as there are any, in no order. */
  entities(ids: readonly number[]): Promise<EntityRow[]>;
}

/** What takes part in a transaction. */
export interface BulkRows extends BulkReads {
  /** Keeps other writers from adding to these datasets until the transaction ends. Gives those that there are. */
  lockDatasets(ids: readonly number[]): Promise<Set<number>>;
  /** As {@link BulkReads.entities}, and keeps other writers from changing the rows until the transaction ends. */
  lockEntities(ids: readonly number[]): Promise<EntityRow[]>;
  /** Ids for new entities, rising; those that are not used are lost. */
  reserveEntityIds(count: number): Promise<number[]>;
  insertEntities(rows: readonly EntityRow[]): Promise<void>;
  /** Writes every column of rows that there are. */
  updateEntities(rows: readonly EntityRow[]): Promise<void>;
  insertLinkChanges(rows: readonly LinkChangeRow[]): Promise<void>;
  /** Removes entities and what hangs on them; gives how many there were. */
  deleteEntities(ids: readonly number[]): Promise<number>;
}
