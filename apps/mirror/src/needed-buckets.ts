import { type BucketCreation, isStorageError, type Storages } from '@stowage/core';
import { CommandError, type Terminal, visible, write } from '@stowage/terminal';
import { askStore } from './ask-store.ts';
import { EXIT } from './exit-code.ts';

export interface BucketsRequest {
  /** Make those that are missing. */
  readonly createBuckets: boolean;
  readonly dryRun: boolean;
}

/**
 * Sees to it that the buckets of these links are there before anything is copied to one of them, and tells which it made, or would make.
 * Gives the links of those that are still missing (a dry run's), or the exit code of the signal that ended it. Throws `CommandError`.
 */
export async function neededBuckets(
  links: readonly string[],
  storages: Storages,
  { createBuckets, dryRun }: BucketsRequest,
  terminal: Terminal,
  tell: Terminal['stdout'],
): Promise<ReadonlySet<string> | number> {
  const missing: string[] = [];
  for (const link of links) {
    const found = await asked(link, terminal, (signal) => isThere(storages, link, signal));
    if (typeof found === 'number') return found;
    if (!found.answer) missing.push(link);
  }
  if (missing.length > 0 && !createBuckets)
    throw new CommandError(
      `there is no bucket ${missing.map((link) => JSON.stringify(link)).join(', and none ')}; make it, closed to the public, or run again with --create-buckets. Nothing was copied`,
      EXIT.destination,
    );
  for (const link of missing) {
    if (dryRun) {
      await write(tell, `${visible(link)} would be made, closed to the public\n`);
      continue;
    }
    const made = await asked(link, terminal, (signal) => storages.createBucket(link, { signal }));
    if (typeof made === 'number') return made;
    await tellOf(link, made.answer, tell);
  }
  return new Set(dryRun ? missing : []);
}

async function isThere(storages: Storages, link: string, signal: AbortSignal): Promise<boolean> {
  try {
    await storages.bucket(link).listPage({ limit: 1, signal });
    return true;
  } catch (error) {
    if (isStorageError(error, 'BucketNotFound')) return false;
    throw error;
  }
}

async function asked<T>(link: string, terminal: Terminal, ask: (signal: AbortSignal) => Promise<T>): Promise<{ readonly answer: T } | number> {
  try {
    return await askStore(link, terminal, ask);
  } catch (error) {
    if (isStorageError(error))
      throw new CommandError(`${JSON.stringify(link)}: ${error.message}`, error.code === 'Config' ? EXIT.usage : EXIT.destination, error);
    throw error;
  }
}

async function tellOf(link: string, creation: BucketCreation, tell: Terminal['stdout']): Promise<void> {
  if (creation.outcome === 'existed') return;
  const { exposure, notes } = creation;
  if (exposure === 'public')
    throw new CommandError(`${JSON.stringify(link)} was made, and ${notes.join('; ')}. Nothing was copied: close it, and run again`, EXIT.guard);
  const words = exposure === 'private' ? ', closed to the public' : '';
  await write(tell, [`${visible(link)} was made${words}`, ...notes.map((note) => `Note: ${visible(note)}`), ''].join('\n'));
}
