import { readdirSync, type Dirent } from 'node:fs';
import { join, resolve } from 'node:path';
import type { MainStorage } from '@stowage/core/config';
import { CommandError, type Output, type Terminal, visible, write } from '@stowage/terminal';
import { Configuration } from './configuration.ts';
import { withErrorEvent } from './error-event.ts';
import { EXIT } from './exit-code.ts';
import type { MirrorRequest } from './mirror-request.ts';
import { neededBuckets } from './needed-buckets.ts';
import { runMirror } from './run-mirror.ts';

/** A command line of `local`, read: what all its copies have in common, but for the places. */
export interface LocalMoveRequest extends Omit<MirrorRequest, 'command' | 'source' | 'destination' | 'delete'> {
  /** Where several pairs of folders lie under `DATA_PATH/storage`: which. */
  readonly prefix?: string;
  /** Make the buckets that are missing. */
  readonly createBuckets: boolean;
}

const HALVES = ['public', 'private'] as const;
/** The link scheme of each kind of main storage. */
const SCHEMES: Readonly<Record<string, string>> = { minio: 's3', azure: 'azure', google: 'google' };
/** What the application must be told, by field of the settings; secrets stay where they are. */
const SHOWN: readonly (readonly [field: string, variable: string])[] = [
  ['endpoint', 'STORAGE_ENDPOINT'],
  ['iam_role', 'STORAGE_IAM_ROLE'],
  ['credentials_path', 'STORAGE_CREDENTIALS_PATH'],
];
const SECRET: readonly (readonly [field: string, variable: string])[] = [
  ['access_key', 'STORAGE_ACCESS_KEY'],
  ['secret_key', 'STORAGE_SECRET_KEY'],
  ['connection_string', 'STORAGE_CONNECTION_STRING'],
];

interface Move {
  readonly main: MainStorage;
  /** Folder and bucket of each half. */
  readonly pairs: readonly { readonly source: string; readonly destination: string }[];
  /** Buckets that a dry run has not made. */
  readonly missing: ReadonlySet<string>;
}

/**
 * Moves an application from its local disk to the configured main storage: copies `<prefix>-public` and `<prefix>-private` of
 * `DATA_PATH/storage` into the buckets of these names, which it makes where that is asked for, compares, and says which variables to
 * change. The disk stays as it is.
 */
export async function moveFromLocal(request: LocalMoveRequest, terminal: Terminal): Promise<number> {
  const people = request.json ? terminal.stderr : terminal.stdout;
  const move = await withErrorEvent(request, terminal, () => prepared(request, terminal, people));
  if (typeof move === 'number') return move;
  const { main, pairs, missing } = move;
  let code: number = EXIT.inSync;
  for (const places of pairs) {
    await write(people, `${visible(places.source)} → ${visible(places.destination)}\n`);
    if (missing.has(places.destination)) {
      await write(people, 'All of it would be copied.\n');
      continue;
    }
    let half = await runMirror({ ...request, ...places, command: 'copy', delete: false }, terminal);
    if (half === EXIT.inSync && !request.dryRun) half = await runMirror({ ...request, ...places, command: 'check', delete: false }, terminal);
    if (half === EXIT.interrupted || half === EXIT.terminated) return half;
    // What is wrong with one half does not keep the other back, and is not forgotten for it.
    if (code === EXIT.inSync) code = half;
  }
  if (code !== EXIT.inSync || request.dryRun) return code;
  await write(people, `${['', 'Everything is there. What the application is to be told:', ...variables(main.provider, main.settings)].join('\n')}\n`);
  return code;
}

/** What is to be moved where, when both buckets are there; or the exit code of the signal that ended the looking. Throws `CommandError`. */
async function prepared(request: LocalMoveRequest, terminal: Terminal, people: Output): Promise<Move | number> {
  const configuration = new Configuration(request, {}, terminal);
  const { dataPath, main } = configuration;
  if (main === undefined || main.folder !== undefined)
    throw new CommandError(
      'the main storage is the local disk (STORAGE_PROVIDER is http), so that there is nowhere to move to; set STORAGE_PROVIDER and what belongs to it, for a start in a file of its own: --dotenv FILE',
    );
  const scheme = SCHEMES[main.provider];
  if (scheme === undefined)
    throw new CommandError(`objects cannot be moved to a main storage of ${JSON.stringify(main.provider)}; expected minio, azure or google`);
  const storage = join(resolve(terminal.cwd, dataPath), 'storage');
  const { prefix, halves } = findPair(storage, request.prefix);
  const names = halves.map((half) => `${prefix}-${half}`);
  const pairs = names.map((name) => ({ source: join(storage, name), destination: `${scheme}://${name}` }));
  for (const name of names) configuration.refuseUncertain(main.provider, name);
  const links = pairs.map(({ destination }) => destination);
  await using storages = await configuration.storagesOf(main.provider);
  const missing = await neededBuckets(links, storages, request, terminal, people);
  return typeof missing === 'number' ? missing : { main, pairs, missing };
}

function variables(provider: string, settings: Readonly<Record<string, unknown>>): string[] {
  const shown = SHOWN.flatMap(([field, variable]) => {
    const value = settings[field];
    return typeof value === 'string' ? [`${variable}=${visible(value)}`] : [];
  });
  const secret = SECRET.flatMap(([field, variable]) => (settings[field] === undefined ? [] : [`${variable}=(as in your settings)`]));
  return [`STORAGE_PROVIDER=${provider}`, ...shown, ...secret].map((line) => `  ${line}`);
}

/** The folders of one application. Throws `CommandError` where none are there, or several and none is named. */
function findPair(storage: string, wanted: string | undefined): { readonly prefix: string; readonly halves: readonly string[] } {
  const pairs = new Map<string, string[]>();
  for (const { name } of foldersOf(storage)) {
    const [, prefix, half] = /^(.+)-(public|private)$/s.exec(name) ?? [];
    if (prefix !== undefined && half !== undefined) pairs.set(prefix, [...(pairs.get(prefix) ?? []), half]);
  }
  const names = [...pairs.keys()].toSorted();
  const where = JSON.stringify(storage);
  if (names.length === 0) throw new CommandError(`expected folders such as app-public and app-private in ${where}; there are none`, EXIT.source);
  const prefix = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (prefix === undefined)
    throw new CommandError(
      `${where} has the folders of ${names.length} applications (${names.map((name) => JSON.stringify(name)).join(', ')}); name one with --prefix`,
    );
  const found = pairs.get(prefix);
  if (found === undefined)
    throw new CommandError(
      `${where} has neither ${JSON.stringify(`${prefix}-public`)} nor ${JSON.stringify(`${prefix}-private`)}; there are ${names.map((name) => JSON.stringify(name)).join(', ')}`,
      EXIT.source,
    );
  const missing = HALVES.find((half) => !found.includes(half));
  if (missing !== undefined)
    throw new CommandError(
      `${where} has no folder ${JSON.stringify(`${prefix}-${missing}`)}; an application has both, so make an empty one if it is right`,
      EXIT.source,
    );
  return { prefix, halves: HALVES };
}

function foldersOf(storage: string): Dirent[] {
  try {
    return readdirSync(storage, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `the local storage ${JSON.stringify(storage)} cannot be read (${code ?? String(error)}); it is the folder "storage" of DATA_PATH`,
      EXIT.source,
    );
  }
}
