import type { Id, IdLike } from './id.ts';
import type { Places } from './entity.ts';
import type { ProjectType } from './project.ts';

/** Ids in one transaction of `setRemote` and `unlink`: longer lists are cut into batches of this size. */
export const LINK_BATCH = 1000;

/** Why an entity's places changed. */
export type LinkChangeCause = 'set-remote' | 'unlink' | 'replace';

/** One change of an entity's places, as the history keeps it. What an entity began with is the `from` of its first change. */
export interface LinkChange {
  readonly entityId: Id;
  readonly at: Date;
  readonly cause: LinkChangeCause;
  readonly from: Places;
  readonly to: Places;
  /** The entity's version after the change. */
  readonly version: number;
}

export interface SetRemoteOptions {
  /** Take only entities of projects of this type; others end in `wrong-type`. Default: both. */
  readonly type?: ProjectType;
  /** Also clear the local pointer, whose bytes stay where they are. Default false. */
  readonly clearLocal?: boolean;
  /** The version of each entity when it was looked at, in the order of the ids: one that has another by now ends in `changed` and keeps its places. */
  readonly versions?: readonly (number | undefined)[];
  /** The revision of each linked object, in the order of the ids, for later checks. */
  readonly revisions?: readonly (Places['revision'] | undefined)[];
  /** Called after each transaction that was committed, with its outcomes. */
  readonly onBatch?: (outcomes: readonly RemoteOutcome[]) => void;
}

/**
 * What became of one id of `setRemote`:
 * - `linked` the link is set, and `version` is the new one
 * - `same` it had this link already and nothing else was asked
 * - `changed` it has another version than the one given
 * - `missing` there is no such entity
 * - `wrong-type` its project is of another type than the one given
 * - `refused` the link cannot be kept, see `reason`
 */
export type RemoteOutcome =
  | { readonly kind: 'linked' | 'same' | 'changed'; readonly id: Id; readonly version: number }
  | { readonly kind: 'missing'; readonly id: Id }
  | { readonly kind: 'wrong-type'; readonly id: Id; readonly type: ProjectType }
  | { readonly kind: 'refused'; readonly id: Id; readonly reason: string };

/**
 * What `unlink` would do with one id:
 * - `ready` the link would go and `local` be the place again: see first that its bytes are still there
 * - `no-link` there is nothing to undo
 * - `no-local` it never had a local place for this content
 * - `missing` there is no such entity
 */
export type UnlinkPlan =
  | { readonly kind: 'ready'; readonly id: Id; readonly version: number; readonly link: string; readonly local: string }
  | { readonly kind: 'no-link'; readonly id: Id }
  | { readonly kind: 'no-local'; readonly id: Id; readonly link: string }
  | { readonly kind: 'missing'; readonly id: Id };

export type UnlinkOutcome =
  | { readonly kind: 'unlinked'; readonly id: Id; readonly version: number; readonly local: string }
  | { readonly kind: 'changed'; readonly id: Id; readonly version: number }
  | { readonly kind: 'no-link' | 'no-local' | 'missing'; readonly id: Id };

/** An id to unlink, and the version that its {@link UnlinkPlan} gave. */
export interface UnlinkRequest {
  readonly id: IdLike;
  readonly version: number;
}
