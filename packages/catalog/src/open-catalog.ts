import type { LinkSchemes } from '@stowage/core';
import type { Catalog } from './catalog.ts';

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
 * tables to this version's schema. Throws `NewerSchema`, `NotACatalog`, `Locked`, `Unavailable`, `Unauthenticated`, `AccessDenied`.
 */
export type OpenCatalog = (location: string, o?: OpenCatalogOptions) => Promise<Catalog>;
