import type { Entity } from '@stowage/catalog';
import { type Bucket, type Call, isStorageError, type ObjectInfo, type Revision, type Storages, type WriteCondition } from '@stowage/core';
import { difference } from '../check/difference.ts';
import { hasContent, hashOf } from './content-digest.ts';
import type { EntitiesMapEntry, MigrateOutcome, MigrateReason } from './migrate-options.ts';
import { readLocal, type Target } from './migrate-target.ts';
import type { Uploader, UploadSource } from './upload-content.ts';

export interface MoveOptions {
  readonly storages: Storages;
  readonly target: Bucket;
  /** Absent: a dry run. */
  readonly uploader: Uploader | undefined;
  readonly replace: boolean;
  readonly call: Call;
}

/** An outcome, and the revision of what lies at the target, where it was verified. */
export interface Moved {
  readonly outcome: MigrateOutcome;
  readonly revision?: Revision;
}

/** Brings one entity's bytes to its target and verifies them there. Throws only an abort, and what is no failure of a storage. */
export async function moveEntity(entity: Entity, target: Target, entry: EntitiesMapEntry | undefined, o: MoveOptions): Promise<Moved> {
  if (!target.ok) return not(entity, 'conflict', 'invalid-target', target.message);
  const { key, link } = target;
  const doubt = mapDoubt(entity, entry);
  if (doubt !== undefined) return not(entity, 'conflict', 'replaced', doubt, link);
  try {
    const place = placeOf(entity, o.storages);
    if (typeof place === 'string') return not(entity, 'failed', 'no-local', place, link);
    const { bucket, key: sourceKey } = place;
    const info = await bucket.head(sourceKey, o.call);
    const changed = difference(entity, info);
    if (changed !== undefined) return not(entity, 'failed', 'replaced', changed, link);
    const there = await headOrNothing(o.target, key, o.call);
    // A dry run reads nothing but what is needed to tell what would be done.
    if (there === undefined && o.uploader === undefined) return { outcome: { kind: 'uploaded', entity, link, bytes: info.size } };
    const source: UploadSource = {
      bucket,
      info,
      hash: entity.hash ?? (await hashOf(bucket, info, o.call)),
      hashIsRead: entity.hash === undefined,
      mime: entity.mime,
    };
    return await send(entity, source, { key, link }, there, o);
  } catch (error) {
    o.call.signal?.throwIfAborted();
    if (!isStorageError(error)) throw error;
    return failure(entity, link, error);
  }
}

/** Where the bytes are: behind the link, where there is one, else in the main storage; or why that cannot be said. */
function placeOf({ link, local }: Entity, storages: Storages): { readonly bucket: Bucket; readonly key: string } | string {
  if (link !== undefined) return storages.resolve(link);
  if (local === undefined) return 'it has neither a link nor a local place';
  const place = readLocal(local);
  if (place === undefined) return `expected /<bucket>/<key> as its local place; got ${JSON.stringify(local)}`;
  return { bucket: storages.main(place.bucket), key: place.key };
}

async function send(
  entity: Entity,
  source: UploadSource,
  { key, link }: { readonly key: string; readonly link: string },
  found: ObjectInfo | undefined,
  o: MoveOptions,
): Promise<Moved> {
  const bytes = source.info.size;
  let there = found;
  // Once more where somebody, or an answer that was lost, put something there meanwhile.
  for (const last of [false, true]) {
    if (there !== undefined && (await hasContent(o.target, there, source, o.call)))
      return { outcome: { kind: 'there', entity, link, bytes }, revision: there.revision };
    if (there !== undefined && !o.replace)
      return not(entity, 'conflict', 'other-content', `another object lies at ${link}: ${there.size} bytes, ${source.info.size} were expected`, link);
    if (o.uploader === undefined) break;
    const condition: WriteCondition = there?.revision ?? 'absent';
    try {
      const info = await o.uploader.send(source, key, condition);
      return { outcome: { kind: 'uploaded', entity, link, bytes }, revision: info.revision };
    } catch (error) {
      if (last || !(isStorageError(error, 'AlreadyExists') || (isStorageError(error, 'PreconditionFailed') && condition !== 'absent'))) throw error;
      there = await headOrNothing(o.target, key, o.call);
    }
  }
  return { outcome: { kind: 'uploaded', entity, link, bytes } };
}

async function headOrNothing(bucket: Bucket, key: string, call: Call): Promise<ObjectInfo | undefined> {
  try {
    return await bucket.head(key, call);
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** Why the entity is not what the map says it is. */
function mapDoubt(entity: Entity, entry: EntitiesMapEntry | undefined): string | undefined {
  for (const field of ['name', 'mime', 'size'] as const) {
    const said = entry?.[field];
    if (said !== undefined && entity[field] !== undefined && said !== entity[field])
      return `the map says ${field} ${JSON.stringify(said)}; the catalog has ${JSON.stringify(entity[field])}`;
  }
  return undefined;
}

function failure(entity: Entity, link: string, error: Error & { readonly code: string }): Moved {
  switch (error.code) {
    case 'NotFound':
    case 'BucketNotFound':
      return not(entity, 'failed', error.code === 'NotFound' ? 'missing' : 'upload-failed', error.message, link);
    case 'ChecksumMismatch':
    case 'PreconditionFailed':
      return not(entity, 'failed', 'replaced', `its bytes are not what the catalog says: ${error.message}`, link);
    case 'KeyConflict':
    case 'InvalidKey':
      return not(entity, 'conflict', 'invalid-target', error.message, link);
    default:
      return not(entity, 'failed', 'upload-failed', error.message, link);
  }
}

function not(entity: Entity, kind: 'conflict' | 'failed', reason: MigrateReason, message: string, link?: string): Moved {
  return { outcome: { kind, entity, reason, message, ...(link === undefined ? {} : { link }) } };
}
