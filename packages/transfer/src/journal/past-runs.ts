import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PlaceIdentity } from '../overlap.ts';
import { isSqliteError, journalFolder, type MirrorPair, peekJournalFile } from './journal-file.ts';
import { type PastRun, RunHistory } from './run-history.ts';

/** The runs of one pair of places, the oldest first. */
export interface PairRuns extends MirrorPair {
  /** Short name of the pair, for people. */
  readonly id: string;
  readonly runs: readonly PastRun[];
}

/** Runs of all pairs that have a journal under the folder. Journals that cannot be read are left out: the next run of their pair tells of them. */
export function pastRuns(stateFolder: string): PairRuns[] {
  const folder = journalFolder(stateFolder);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.sqlite'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => runsOf(join(folder, name), name.slice(0, 8)) ?? []);
}

function runsOf(path: string, id: string): PairRuns | undefined {
  const db = peekJournalFile(path);
  if (db === undefined) return undefined;
  try {
    const pair = db.prepare("SELECT value FROM meta WHERE name = 'pair'").get()?.['value'];
    const [sourceStore, sourcePath, store, destinationPath] = JSON.parse(String(pair)) as [string, string[], string, string[]];
    const history = new RunHistory(
      db,
      () => new Date(0),
      (work) => work(),
    );
    const source: PlaceIdentity = { store: sourceStore, path: sourcePath };
    return { id, source, destination: { store, path: destinationPath }, runs: history.all() };
  } catch (error) {
    if (isSqliteError(error)) return undefined;
    throw error;
  } finally {
    db.close();
  }
}
