import type { LinkSchemes } from '@stowage/core';
import { canonicalLinks } from './canonical-links.ts';
import type { Catalog } from './catalog.ts';
import { DatasetTable } from './datasets.ts';
import { EntityTable } from './entity-table.ts';
import { fingerprint } from './fingerprint.ts';
import { ImportTable } from './import-table.ts';
import { OpenDatabase } from './open-database.ts';
import { PostgresDatabase } from './postgres/postgres-database.ts';
import { isPostgresUrl } from './postgres/postgres-url.ts';
import { ProjectTable } from './projects.ts';
import { SqliteDatabase } from './sqlite/sqlite-database.ts';

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
  const { create = true, lockTimeoutMs = 30_000, schemes, now = (): Date => new Date() } = o;
  const database = new OpenDatabase(
    isPostgresUrl(location)
      ? await PostgresDatabase.open({ ...o, url: location, create, lockTimeoutMs })
      : await SqliteDatabase.open({ path: location, create, lockTimeoutMs }),
  );
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
