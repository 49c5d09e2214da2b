import type { LinkSchemes } from '@stowage/core';
import { canonicalLinks } from './canonical-links.ts';
import type { Catalog } from './catalog.ts';
import { DatasetTable } from './datasets.ts';
import { EntityTable } from './entity-table.ts';
import { fingerprint } from './fingerprint.ts';
import { ImportTable } from './import-table.ts';
import { OpenDatabase } from './open-database.ts';
import type { Database } from './database.ts';
import { ProjectTable } from './projects.ts';

const LOCK_TIMEOUT_MS = 30_000;

export interface OpenCatalogOptions {
  /** Make the file, or the tables, where there are none. Default true; false: `NotFound`. */
  readonly create?: boolean;
  /** How long a call waits for other writers before it throws `Locked`, in milliseconds. Default 30,000. */
  readonly lockTimeoutMs?: number;
  /** What the schemes of links mean. Default: `STANDARD_SCHEMES` of `@stowage/core`. */
  readonly schemes?: LinkSchemes;
  /** The clock of `createdAt`, `updatedAt` and the history. Default: the machine's. */
  readonly now?: () => Date;
  /** PostgreSQL: the schema that holds the tables. Default `stowage`. */
  readonly schema?: string;
  /** PostgreSQL: connections at once. Default 4. */
  readonly maxConnections?: number;
  /** PostgreSQL: how long to wait for a connection, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
}

/**
 * Opens the catalog in an SQLite file, or in the PostgreSQL database that a URL (`postgres://`, `postgresql://`) names, and brings its
 * tables to this version's schema. Throws `NotFound`, `NewerSchema`, `NotACatalog`, `Locked`, `Unavailable`, `Unauthenticated`,
 * `AccessDenied`, `InvalidArgument`.
 */
export async function openCatalog(location: string, o: OpenCatalogOptions = {}): Promise<Catalog> {
  const { schemes, now = (): Date => new Date() } = o;
  const database = new OpenDatabase(isPostgresUrl(location) ? await openPostgres(location, o) : await openSqlite(location, o));
  const close = (): Promise<void> => database.close();
  return {
    location: database.location,
    engine: database.engine,
    projects: new ProjectTable(database, now),
    datasets: new DatasetTable(database, now),
    entities: new EntityTable(database, canonicalLinks(schemes), now),
    imports: new ImportTable(database, now),
    fingerprint: (filter = {}) => fingerprint(database, filter),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isPostgresUrl(location: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(location);
}

/** An engine is loaded when it is asked for: who opens a file does not wait for the driver of a server. */
async function openPostgres(url: string, { create = true, lockTimeoutMs = LOCK_TIMEOUT_MS, ...o }: OpenCatalogOptions): Promise<Database> {
  const { PostgresDatabase } = await import('./postgres/postgres-database.ts');
  return PostgresDatabase.open({ ...o, url, create, lockTimeoutMs });
}

async function openSqlite(path: string, { create = true, lockTimeoutMs = LOCK_TIMEOUT_MS }: OpenCatalogOptions): Promise<Database> {
  const { SqliteDatabase } = await import('./sqlite/sqlite-database.ts');
  return SqliteDatabase.open({ path, create, lockTimeoutMs });
}
