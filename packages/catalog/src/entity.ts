import type { Revision } from '@stowage/core';
import type { Id, IdLike } from './id.ts';

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What is known of an entity's content. */
export interface Content {
  /** Base64 of the SHA-256. */
  readonly hash?: string;
  /** Bytes. */
  readonly size?: number;
  readonly mime?: string;
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** Where an entity's bytes lie. */
export interface Places {
  /** Pointer into the main storage: `/<bucket>/<key>`. */
  readonly local?: string;
  /**
   * Link to an object that Stowage does not keep: canonical text, as `formatLink` of `@stowage/core` writes it. What is given is
   * parsed and stored in that form, so `MINIO://cars/a.jpg` comes back as `s3://cars/a.jpg`. At most `MAX_LINK_BYTES` long.
   */
  readonly link?: string;
  /** The state of the linked object as it was last seen; goes when the link goes or changes. */
  readonly revision?: Revision;
}

/** One image or video. */
export interface Entity extends Content, Places {
  readonly id: Id;
  readonly datasetId: Id;
  /** Unique in the dataset; compared as text, with its case. */
  readonly name: string;
  readonly meta: { readonly [name: string]: Json };
  readonly tags: readonly string[];
  /**
   * Begins at 1 and grows with every change of content or places, and with nothing else. Whoever keeps it together with the id
   * notices later that the entity was replaced or linked meanwhile.
   */
  readonly version: number;
  readonly createdAt: Date;
  /** Of the last change of any kind. */
  readonly updatedAt: Date;
}

export interface NewEntity extends Content, Places {
  readonly datasetId: IdLike;
  /** The name that is wanted: not empty, not `.` or `..`, no slash, no NUL, no lone surrogates, at most `MAX_NAME_BYTES`. */
  readonly name: string;
  /** Default `{}`. */
  readonly meta?: { readonly [name: string]: Json };
  /** Default none. */
  readonly tags?: readonly string[];
}

/**
 * What to do with an entity whose name is taken in its dataset:
 * - `rename` `name_01.ext`, `name_02.ext`, …: the number is free and the one before it is taken, so that the same rows in the same
 *   order always get the same names
 * - `skip` the one that is there stays, the new one is left out
 * - `replace` the one that is there keeps its id and name and gets the content, places, meta and tags of the new one
 */
export type NameConflict = 'rename' | 'skip' | 'replace';

/**
 * What became of one new entity:
 * - `added` under `name`, which is another than the one wanted where `renamed`
 * - `present` the dataset has an entity with this very link: nothing was changed, whatever else the new one says
 * - `replaced`, `skipped` the name was taken, see {@link NameConflict}
 * - `refused` it cannot be kept: `reason` says what was expected and what came, in one line
 */
export type AddOutcome =
  | { readonly kind: 'added'; readonly id: Id; readonly name: string; readonly renamed: boolean }
  | { readonly kind: 'present' | 'replaced' | 'skipped'; readonly id: Id; readonly name: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Changes to one entity; a property that is absent stays as it is, one that is null is cleared. */
export interface EntityPatch {
  readonly id: IdLike;
  /** Change it only while it has this version. */
  readonly version?: number;
  readonly hash?: string | null;
  readonly size?: number | null;
  readonly mime?: string | null;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly revision?: Revision | null;
  readonly meta?: { readonly [name: string]: Json };
  readonly tags?: readonly string[];
}

/** What became of one patch: `same` said nothing new, `missing` no such entity, `changed` it has another version by now. */
export type PatchOutcome =
  | { readonly kind: 'updated' | 'same'; readonly id: Id; readonly version: number }
  | { readonly kind: 'changed'; readonly id: Id; readonly version: number }
  | { readonly kind: 'missing'; readonly id: Id };
