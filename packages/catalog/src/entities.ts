import type { AddOutcome, Entity, EntityPatch, NameConflict, NewEntity, PatchOutcome } from './entity.ts';
import type { DatasetCounts, EntityCounts, EntityFilter, EntityPage, PageOptions, StreamOptions } from './entity-filter.ts';
import type { Id, IdLike } from './id.ts';
import type { Checkpoint } from './import-run.ts';
import type { LinkChange, RemoteOutcome, SetRemoteOptions, UnlinkOutcome, UnlinkPlan, UnlinkRequest } from './link-change.ts';

export interface AddOptions {
  /** Default `rename`. */
  readonly onNameTaken?: NameConflict;
  /** Written in the transaction of the entities, so that both are kept or neither. With a checkpoint the list of entities may be empty. */
  readonly checkpoint?: Checkpoint;
}

/** A place in a dataset that may be taken: by a link, or by a name. */
export interface LinkInDataset {
  readonly datasetId: IdLike;
  readonly link: string;
}
export interface NameInDataset {
  readonly datasetId: IdLike;
  readonly name: string;
}

export interface Entities {
  /**
   * Adds entities in one transaction and gives one outcome for each, in their order; either all of it is kept or nothing. The outcomes
   * are those of adding one after another, so an item may meet the link or the name of one before it. Calls of several processes take
   * turns. Thousands a call are meant: 5,000 to 20,000 is where it is fastest, 100,000 is the limit (`InvalidArgument`).
   *
   * A fault of one item (an unknown dataset, a link that does not parse, an empty name) is that item's `refused`; a fault of the
   * storage throws and leaves nothing of the call behind.
   */
  add(entities: readonly NewEntity[], o?: AddOptions): Promise<AddOutcome[]>;
  /** Throws `NotFound`. */
  get(id: IdLike): Promise<Entity>;
  /** In the order of the ids; undefined where there is none. */
  getMany(ids: readonly IdLike[]): Promise<(Entity | undefined)[]>;
  /** The entity that has the link in the dataset (the oldest where there are several), for each, in their order: what `add` would call `present`. */
  findLinks(links: readonly LinkInDataset[]): Promise<(Id | undefined)[]>;
  /** The entity that has the name in the dataset, for each, in their order. */
  findNames(names: readonly NameInDataset[]): Promise<(Id | undefined)[]>;
  /** One page. Throws `InvalidArgument` for a cursor that is none, or belongs to another order; `NotFound` for an unknown project or dataset. */
  page(filter?: EntityFilter, o?: PageOptions): Promise<EntityPage>;
  /** Page after page, holding one at a time and no lock between two: what is added meanwhile may be met or not, what was there is met once. */
  pages(filter?: EntityFilter, o?: StreamOptions): AsyncIterableIterator<EntityPage>;
  /** As `pages`, entity by entity. */
  stream(filter?: EntityFilter, o?: StreamOptions): AsyncIterableIterator<Entity>;
  count(filter?: EntityFilter): Promise<EntityCounts>;
  /** For every dataset that has any, in the order of their ids. */
  countByDataset(filter?: EntityFilter): Promise<DatasetCounts[]>;
  /** Changes what is known of entities, in one transaction; one outcome for each, in their order. At most 100,000 a call. */
  update(patches: readonly EntityPatch[]): Promise<PatchOutcome[]>;
  /** Removes the rows and their history in one transaction, never bytes; ids that are not there are passed over. Gives how many went. */
  remove(ids: readonly IdLike[]): Promise<number>;
  /**
   * Sets the links of entities, in transactions of at most {@link LINK_BATCH} ids, and keeps in their history what was there before.
   * Local pointers stay unless `clearLocal`; bytes always stay. Lists of unequal length and an id that comes twice are `InvalidArgument`,
   * before anything is changed. Where a batch fails, those before it are kept (see `onBatch`), and calling again goes on: what is linked
   * is `same`, also under a version from before.
   */
  setRemote(ids: readonly IdLike[], links: readonly string[], o?: SetRemoteOptions): Promise<RemoteOutcome[]>;
  /** What `unlink` would do with each, in their order. Changes nothing. */
  planUnlink(ids: readonly IdLike[]): Promise<UnlinkPlan[]>;
  /** Takes links away and puts back the local pointers that they stood for, where the entity still has the version that the plan gave; in batches as `setRemote`. */
  unlink(requests: readonly UnlinkRequest[]): Promise<UnlinkOutcome[]>;
  /** Every change of an entity's places, oldest first. Throws `NotFound`. */
  history(id: IdLike): Promise<LinkChange[]>;
}
