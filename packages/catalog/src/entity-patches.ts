import { CatalogError } from './catalog-error.ts';
import type { BulkRows } from './database.ts';
import type { EntityPatch, PatchOutcome } from './entity.ts';
import { parseId, shownId } from './id.ts';
import { contentFault, jsonText, revisionFault, tagsFault } from './new-entity-row.ts';
import type { EntityRow } from './tables.ts';

/** Throws `InvalidArgument` for a patch that can never be applied. */
export function assertPatch(patch: EntityPatch): void {
  parseId(patch.id, 'an entity');
  const fault =
    contentFault(patch) ??
    revisionFault(patch.revision) ??
    (patch.tags === undefined ? undefined : tagsFault(patch.tags)) ??
    (patch.meta !== undefined && jsonText(patch.meta) === undefined ? 'meta holds what JSON cannot say' : undefined);
  if (fault !== undefined) throw new CatalogError('InvalidArgument', `entity ${shownId(patch.id)}: ${fault}`);
}

/** Applies patches one after another; rows are written once, in their last state. */
export async function applyPatches(patches: readonly EntityPatch[], now: number, rows: BulkRows): Promise<PatchOutcome[]> {
  const ids = patches.map(({ id }) => parseId(id, 'an entity'));
  const current = new Map((await rows.lockEntities([...new Set(ids)])).map((row) => [row.id, row]));
  const touched = new Set<number>();
  const outcomes = patches.map((patch, i): PatchOutcome => {
    const id = ids[i] as number;
    const before = current.get(id);
    if (before === undefined) return { kind: 'missing', id };
    if (patch.version !== undefined && patch.version !== before.version) return { kind: 'changed', id, version: before.version };
    const after = patched(before, patch, now);
    if (after === undefined) return { kind: 'same', id, version: before.version };
    current.set(id, after);
    touched.add(id);
    return { kind: 'updated', id, version: after.version };
  });
  await rows.updateEntities([...touched].map((id) => current.get(id) as EntityRow));
  return outcomes;
}

/** Undefined where the patch says nothing new. */
function patched(before: EntityRow, patch: EntityPatch, now: number): EntityRow | undefined {
  const { revision } = patch;
  const linked = before.link !== null;
  const content = {
    hash: patch.hash === undefined ? before.hash : patch.hash,
    size: patch.size === undefined ? before.size : patch.size,
    mime: patch.mime === undefined ? before.mime : patch.mime,
    width: patch.width === undefined ? before.width : patch.width,
    height: patch.height === undefined ? before.height : patch.height,
    // A revision is of a link: without one there is nothing that it could be a state of.
    link_etag: revision === undefined || !linked ? before.link_etag : (revision?.etag ?? null),
    link_version: revision === undefined || !linked ? before.link_version : (revision?.version ?? null),
  };
  const rest = {
    meta: patch.meta === undefined ? before.meta : JSON.stringify(patch.meta),
    tags: patch.tags === undefined ? before.tags : JSON.stringify(patch.tags),
  };
  const newContent = differs(before, content);
  if (!newContent && !differs(before, rest)) return undefined;
  return { ...before, ...content, ...rest, version: before.version + (newContent ? 1 : 0), updated_at: now };
}

function differs(before: EntityRow, columns: Partial<EntityRow>): boolean {
  return (Object.keys(columns) as (keyof EntityRow)[]).some((column) => before[column] !== columns[column]);
}
