import type { Catalog, Entity, Id, IdLike, Project } from '@stowage/catalog';
import type { LinkSchemes, Storages } from '@stowage/core';

/**
 * Where entities go below the directory: `<images|videos>/<projectId>/…`, and then
 * - `flat` `<datasetId>/<name>`, each dataset directly under its project, however deep it is nested
 * - `nested` `<datasetId>/<datasetId of the nested one>/<name>`, as the datasets lie in each other
 */
export type MigrateLayout = 'flat' | 'nested';

/** What to move, by entity id, where not everything without a link is meant. */
export interface EntitiesMapEntry {
  /** Where given: what the entity must still be. */
  readonly name?: string;
  readonly mime?: string;
  readonly size?: number;
  /** Where it goes: a link into the target's bucket, or `<bucket>/<key>`. Default: by the layout. */
  readonly remote?: string;
}

export interface MigrateOptions {
  readonly catalog: Catalog;
  /** The main storage, which has the bytes, and the storage that they go to. */
  readonly storages: Storages;
  /** Bucket and directory: `s3://bucket/dir`, `fs://archive/moved`. */
  readonly to: string;
  /** Move entities whose link begins so (`fs://pics/`), from where they link to. Default: those that have no link, from the main storage. */
  readonly from?: string;
  /** Default `flat`. */
  readonly layout?: MigrateLayout;
  readonly entitiesMap?: ReadonlyMap<string, EntitiesMapEntry>;
  /** Link what was verified, also where other entities failed. Default false: links change only when all are verified. */
  readonly linkVerified?: boolean;
  /** Also clear the local pointers of what is linked; bytes stay in any case. Default false. */
  readonly clearLocal?: boolean;
  /** Write over what lies at a target and is something else. Default false: a conflict. */
  readonly replace?: boolean;
  /** Look at everything, and write nothing. Default false. */
  readonly dryRun?: boolean;
  /** Entities in flight at once. Default 16. */
  readonly transfers?: number;
  /** Bytes a part, for content above {@link SMALL_BYTES}. Default 8 MiB, raised where the store demands it. */
  readonly partSize?: number;
  readonly schemes?: LinkSchemes;
  readonly observer?: MigrateObserver;
  /** Ends the migration at once: nothing more is linked. */
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** Content up to this size is sent at once, from memory; what is larger goes in parts, and a later run goes on behind the parts that arrived. */
export const SMALL_BYTES: number = 4 * 1024 * 1024;

export interface MigrateObserver {
  /** Told of entities as they are dealt with, in no order. */
  outcomes?(outcomes: readonly MigrateOutcome[]): void | Promise<void>;
}

/**
 * Why an entity was not moved:
 * - `no-local` it has no local place; `missing` its bytes are not there; `replaced` they, or the entity, are not what the catalog or the map says
 * - `other-content` something else lies at the target; `target-taken` two entities have one target; `invalid-target` no such key can be
 * - `upload-failed` the target's storage failed, or the main storage while it was read
 */
export type MigrateReason = 'no-local' | 'missing' | 'replaced' | 'other-content' | 'target-taken' | 'invalid-target' | 'upload-failed';

/** `uploaded`, or to be uploaded in a dry run; `there`: its bytes lay at the target already, by size and checksum. */
export type MigrateOutcome =
  | { readonly kind: 'uploaded' | 'there'; readonly entity: Entity; readonly link: string; readonly bytes: number }
  | { readonly kind: 'conflict' | 'failed'; readonly entity: Entity; readonly link?: string; readonly reason: MigrateReason; readonly message: string };

export interface MigrateReport {
  readonly project: Project;
  readonly dryRun: boolean;
  /** Entities looked at; each is in one of the four counts. */
  readonly entities: number;
  readonly uploaded: { readonly entities: number; readonly bytes: number };
  readonly there: { readonly entities: number; readonly bytes: number };
  readonly conflicts: number;
  readonly failed: number;
  /** Bytes that were sent, parts of what failed among them. */
  readonly bytesSent: number;
  /** Entities that had a link before, those that `from` names among them. */
  readonly linkedBefore: number;
  readonly linked: number;
  /** Entities that were replaced or linked by somebody else since they were looked at: their links stayed. */
  readonly changedMeanwhile: readonly Id[];
  /** Ids of the entities map that are no entities of the project. */
  readonly unknownIds: readonly string[];
  /** Whether links were changed, or would be, as nothing stood against it. */
  readonly complete: boolean;
  readonly stopped: boolean;
  readonly elapsedMs: number;
}

export interface MigrateProgress {
  readonly entities: number;
  readonly done: number;
  readonly bytesSent: number;
  readonly inFlight: number;
  readonly linked: number;
  readonly elapsedMs: number;
}

export interface MigrateJob {
  /** Rejects where the catalog fails, and where project or target cannot be used. */
  readonly report: Promise<MigrateReport>;
  progress(): MigrateProgress;
  /** Finishes what is in flight and ends; nothing more is linked. */
  stop(): void;
}

/** A project, or its id. */
export type ProjectLike = Project | IdLike;
