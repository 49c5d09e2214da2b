import type { Entity } from './entity.ts';
import type { Id, IdLike } from './id.ts';

/** Which entities: all of these must hold; without any, every entity of the catalog. */
export interface EntityFilter {
  readonly projectId?: IdLike;
  /** Of this dataset; `nested` adds those of the datasets within. */
  readonly datasetId?: IdLike;
  /** Default false. */
  readonly nested?: boolean;
  /** With a link (true) or without one (false). */
  readonly linked?: boolean;
  /** With a local pointer (true) or without one (false). */
  readonly local?: boolean;
  /** Whose link begins with this text: a scheme `s3://`, a bucket `s3://cars/`, a folder `s3://cars/2020/`. In canonical form; compared as text. */
  readonly linkPrefix?: string;
}

/**
 * - `id` by dataset, then by id: as they were added
 * - `link` by link in UTF-8 byte order, the order in which storages list keys (those without a link are left out)
 */
export type EntityOrder = 'id' | 'link';

export interface PageOptions {
  /** Default `id`. */
  readonly order?: EntityOrder;
  /** Entities a page. Default 1,000, at most 10,000. */
  readonly limit?: number;
  /** Go on behind the page that gave this cursor, under the same filter and order; it may be kept between runs. */
  readonly cursor?: string;
}

export interface EntityPage {
  readonly entities: readonly Entity[];
  /** Absent from the last page. */
  readonly cursor?: string;
}

export interface StreamOptions extends PageOptions {
  /** Stops with the signal's reason before the next page is read. */
  readonly signal?: AbortSignal;
}

export interface EntityCounts {
  readonly entities: number;
  readonly linked: number;
  readonly local: number;
  /** Sum of the sizes that are known. */
  readonly bytes: number;
}

export interface DatasetCounts extends EntityCounts {
  readonly datasetId: Id;
}
