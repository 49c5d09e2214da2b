import { isStorageError, keyFault } from '@stowage/core';
import {
  type FilterOptions,
  type FilterRule,
  type JournalOptions,
  KeyFilter,
  type MirrorOptions,
  parseBandwidth,
  parseFilterRules,
  parseKeyList,
} from '@stowage/transfer';
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { CommandError, type Terminal } from '@stowage/terminal';
import type { EngineRequest } from './engine-options.ts';
import { lookAtPath } from './local-path.ts';
import type { OpenPlaces } from './open-places.ts';

type EngineSettings = Pick<MirrorOptions, 'filter' | 'existing' | 'deleteExcluded' | 'trash' | 'bandwidth' | 'limit' | 'retries'>;

/** What the engine is to be told; files are read here. Throws `CommandError` where they say nothing usable. */
export function engineSettings(request: EngineRequest, { cwd, today }: Terminal): EngineSettings {
  const { trash, bwlimit, maxDuration, maxTransfer, retries } = request;
  const filter = filterOf(request, cwd, today());
  if (trash !== undefined && (trash === '' || trash.startsWith('/') || keyFault(`${trash}x`) !== undefined))
    throw new CommandError(`--trash: expected a folder of the destination such as .trash; got ${JSON.stringify(trash)}`);
  return {
    ...(filter === undefined ? {} : { filter }),
    existing: request.existing,
    deleteExcluded: request.deleteExcluded,
    ...(trash === undefined ? {} : { trash: { prefix: trash, today: today() } }),
    ...(bwlimit === undefined ? {} : { bandwidth: { timetable: named('--bwlimit', () => parseBandwidth(bwlimit)), today } }),
    limit: { ...(maxDuration === undefined ? {} : { durationMs: maxDuration }), ...(maxTransfer === undefined ? {} : { bytes: maxTransfer }) },
    ...(retries === undefined ? {} : { retries }),
  };
}

/** What `read` gives; what it finds wrong is told of the option. */
function named<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isStorageError(error)) throw new CommandError(`${option}: ${error.message}`);
    throw error;
  }
}

function filterOf(request: EngineRequest, cwd: string, now: Date): FilterOptions | undefined {
  const { filters, filesFrom, minSize, maxSize, minAge, maxAge } = request;
  const rules = filters.flatMap(({ kind, value }): readonly FilterRule[] =>
    named(`--${kind}`, (): readonly FilterRule[] => {
      const read = kind === 'filter-from' ? parseFilterRules(readText('--filter-from', value, cwd), value) : [{ include: kind === 'include', pattern: value }];
      // Patterns are looked at here, where it is known whose they are.
      void new KeyFilter({ rules: read });
      return read;
    }),
  );
  const filter: FilterOptions = {
    ...(rules.length === 0 ? {} : { rules }),
    // What is asked for last says what the rest is: `--include "*.jpg"` alone is to mean these and nothing else.
    ...(filters.at(-1)?.kind === 'include' ? { rest: 'exclude' } : {}),
    ...(filesFrom === undefined ? {} : { keys: named('--files-from', () => parseKeyList(readText('--files-from', filesFrom, cwd))) }),
    ...(minSize === undefined ? {} : { minSize }),
    ...(maxSize === undefined ? {} : { maxSize }),
    ...(minAge === undefined ? {} : { until: new Date(now.getTime() - minAge) }),
    ...(maxAge === undefined ? {} : { since: new Date(now.getTime() - maxAge) }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

function readText(option: string, file: string, cwd: string): string {
  const path = resolve(cwd, file);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CommandError(`${option}: ${JSON.stringify(file)} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CommandError(`${option}: ${JSON.stringify(file)} is no UTF-8 text`);
  }
}

/** The user's folder for what outlasts a run: `$XDG_STATE_HOME/stowage`, else `~/.local/state/stowage`; none where neither is known. */
export function stateFolder({ env }: Pick<Terminal, 'env'>): string | undefined {
  const { XDG_STATE_HOME: state, HOME: home } = env;
  // The specification of these folders has relative ones ignored.
  if (state !== undefined && isAbsolute(state)) return join(state, 'stowage');
  return home !== undefined && isAbsolute(home) ? join(home, '.local', 'state', 'stowage') : undefined;
}

/** Where the journal of the two places is to be kept: never in either of them. */
export function journalOptions(request: EngineRequest, { source, destination }: OpenPlaces, terminal: Terminal): JournalOptions | undefined {
  const folder = request.journal ? stateFolder(terminal) : undefined;
  if (folder === undefined) return undefined;
  const { realPath } = lookAtPath(folder, '/');
  const inside = [source, destination].find((place) => place.folder !== undefined && isInside(realPath, place.folder));
  if (inside !== undefined) {
    terminal.stderr.write(
      `stowage-mirror: no journal is kept: its folder ${JSON.stringify(folder)} lies in ${JSON.stringify(inside.label)}; set XDG_STATE_HOME to a folder outside, or say --no-journal\n`,
    );
    return undefined;
  }
  return { stateFolder: folder, source: source.identity, destination: destination.identity, today: terminal.today };
}

/** Whether a path is the folder, or lies in it. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way.split('/')[0] !== '..');
}
