import type { Json } from './entity.ts';
import type { Id, IdLike } from './id.ts';

/** An import that may take several processes to finish. */
export interface ImportRun {
  readonly id: Id;
  /** Chosen by the caller: what makes two runs the same one, such as a digest of project, options and sources. At most 1,024 bytes. */
  readonly key: string;
  readonly startedAt: Date;
  /** Absent while it is unfinished. */
  readonly finishedAt?: Date;
  /** Whether a run of this key was begun before and not finished. */
  readonly resumed: boolean;
  /** How far each source has come: what was committed, no more and no less. In the order of their first checkpoints. */
  readonly sources: readonly ImportSource[];
}

/** How far one source of an import has come. */
export interface ImportSource {
  /** Chosen by the caller: what makes a source the same one, such as its path, size and time of change. At most 2,500 bytes. */
  readonly source: string;
  /** Bytes of the source, before or after decompression as the caller likes, that need not be read again. */
  readonly offset: number;
  /** Lines of the source that need not be read again. */
  readonly line: number;
  readonly finished: boolean;
  /** Anything that the caller wants back: tallies, how long its report was. */
  readonly state: Json;
}

/** A step of an import, written together with its entities. It takes the place of the source's former one. */
export interface Checkpoint {
  readonly runId: IdLike;
  readonly source: string;
  readonly offset: number;
  readonly line: number;
  /** Default false. */
  readonly finished?: boolean;
  /** Default null. */
  readonly state?: Json;
}

export interface Imports {
  /**
   * The unfinished run of this key, or a new one. Two processes that open one key share the run: nothing is doubled, as `add` finds links
   * that are there, but each may do work of the other again.
   */
  open(key: string): Promise<ImportRun>;
  /** Throws `NotFound`. */
  get(id: IdLike): Promise<ImportRun>;
  /** Marks the run as finished: the next `open` of its key begins anew. Throws `NotFound`. */
  finish(id: IdLike): Promise<void>;
  /** Forgets runs that were finished before this time, and with `unfinished` also those begun before it. Entities stay. Gives how many went. */
  prune(before: Date, o?: { readonly unfinished?: boolean }): Promise<number>;
}
