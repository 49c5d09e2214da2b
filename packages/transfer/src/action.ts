import type { ObjectInfo } from '@stowage/core';

/** Why a source object and the destination object at its key are not the same. */
export type Difference =
  | 'size'
  | 'time'
  | 'checksum'
  | 'content'
  /** One of them is no longer the revision that the last run had left, though size and time may be. */
  | 'revision';

/** Why a key is left as it is. */
export type SkipReason =
  /** Only the destination has it, and deleting was not asked for. */
  | 'extra'
  /** The source could not be read at or above the key: nobody knows whether it is there. */
  | 'unknown'
  | 'symlink'
  | 'not-a-file'
  | 'unreadable'
  /** The source object went away between listing and reading. */
  | 'vanished'
  /** Left out by a filter of names, or part of the trash. */
  | 'excluded'
  /** Passed over for its size or age. */
  | 'filtered'
  /** The destination has it, and is not to be changed. */
  | 'existing'
  /** The destination's is younger. */
  | 'newer'
  /** The run was interrupted, or stopped early, before its turn came. */
  | 'not-attempted'
  /** A guard kept the destination object from being deleted. */
  | 'guarded';

/** Why a key cannot be as the source has it. */
export type ConflictReason =
  /** The destination cannot hold the key, or the source cannot name it. */
  | 'invalid-key'
  /** The destination cannot hold the key beside another one (`a` beside `a/b` on a disk). */
  | 'key-conflict'
  /** At the destination, something that is no object lies at or above the key. */
  | 'not-an-object'
  /** It differs, and what is at the destination is never to be changed. */
  | 'immutable'
  /** Somebody wrote the destination object between listing and writing. */
  | 'destination-changed';

/** What a plan holds for one key. Plain data: it can be printed, counted and tested before anything is done. */
export type Action =
  /** `noted`: the journal has these two revisions as of one content already. */
  | { readonly kind: 'same'; readonly key: string; readonly source: ObjectInfo; readonly destination: ObjectInfo; readonly noted: boolean }
  /** Only reading both sides tells whether it is `same` or `update`. */
  | { readonly kind: 'compare'; readonly key: string; readonly source: ObjectInfo; readonly destination: ObjectInfo }
  | { readonly kind: 'copy'; readonly key: string; readonly source: ObjectInfo }
  | { readonly kind: 'update'; readonly key: string; readonly source: ObjectInfo; readonly destination: ObjectInfo; readonly why: Difference }
  /** Collected until every listing has ended, then judged. */
  | { readonly kind: 'delete'; readonly key: string; readonly destination: ObjectInfo }
  | { readonly kind: 'skip'; readonly key: string; readonly size: number; readonly reason: SkipReason; readonly message?: string }
  | { readonly kind: 'conflict'; readonly key: string; readonly size: number; readonly reason: ConflictReason; readonly message: string }
  | { readonly kind: 'fail'; readonly key: string; readonly size: number; readonly reason: 'unreadable'; readonly message: string };

export type CopyAction = Extract<Action, { readonly kind: 'copy' | 'update' }>;
export type CompareAction = Extract<Action, { readonly kind: 'compare' }>;
export type DeleteAction = Extract<Action, { readonly kind: 'delete' }>;
