import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Catalog, openCatalog } from '@stowage/catalog';
import { CommandError } from '@stowage/terminal';
import type { CommandContext } from './command-context.ts';

/** Where the catalog is, as the command line says. */
export interface CatalogPlace {
  /** A file, or a URL of PostgreSQL. */
  readonly db?: string;
  /** The variable that holds it. */
  readonly dbEnv?: string;
  /** How long to wait for other writers, in milliseconds. Default: the catalog's. */
  readonly lockTimeoutMs?: number;
}

/** Beside the user, as `remote_links.yml` is. */
const DEFAULT_CATALOG = 'stowage-catalog.sqlite';

/** Opens the catalog of `--db`, `--db-env`, `STOWAGE_DB`, or the default file. Throws `CommandError` and `CatalogError`. */
export async function openConfiguredCatalog(place: CatalogPlace, o: { readonly create: boolean }, context: CommandContext): Promise<Catalog> {
  const { cwd, env } = context.terminal;
  const location = locationOf(place, env);
  const options = { ...o, ...(place.lockTimeoutMs === undefined ? {} : { lockTimeoutMs: place.lockTimeoutMs }) };
  if (!isUrl(location)) return openCatalog(resolve(cwd, location), options);
  if (place.db !== undefined && hasPassword(location))
    context.tell('a password on the command line is seen by everybody who lists the processes; use --db-env or PGPASSWORD');
  return openCatalog(location, options);
}

/** An empty catalog in a folder of its own. */
export async function openScratchCatalog(folder: string): Promise<{ readonly catalog: Catalog; readonly remove: () => Promise<void> }> {
  const own = await mkdtemp(join(folder, 'stowage-links-'));
  return { catalog: await openCatalog(join(own, 'scratch.sqlite')), remove: () => rm(own, { recursive: true, force: true }) };
}

function locationOf({ db, dbEnv }: CatalogPlace, env: Readonly<Record<string, string | undefined>>): string {
  if (db !== undefined) return db;
  if (dbEnv === undefined) return env['STOWAGE_DB'] || DEFAULT_CATALOG;
  const location = env[dbEnv];
  if (location === undefined || location === '')
    throw new CommandError(`expected the catalog's place in the variable ${JSON.stringify(dbEnv)}, as --db-env says; it is not set`);
  return location;
}

function isUrl(location: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(location);
}

function hasPassword(url: string): boolean {
  return URL.canParse(url) && (new URL(url).password !== '' || new URL(url).searchParams.has('password'));
}
