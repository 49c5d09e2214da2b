import type { Catalog, Id, IdLike, UnlinkPlan } from '@stowage/catalog';
import type { Call, Storages } from '@stowage/core';
import { readLocal } from './migrate/migrate-target.ts';
import { Slots } from './slots.ts';
import { judgeStoreError } from './store-verdict.ts';

/**
 * What became of one entity: `unlinked` has its local place again; `no-link`, `no-local`, `missing` had nothing to undo;
 * `bytes-gone` its bytes are not at the local place any more, or cannot be seen there; `changed` somebody changed it meanwhile.
 */
export type UnlinkResult =
  | { readonly kind: 'unlinked'; readonly id: Id; readonly local: string }
  | { readonly kind: 'no-link' | 'no-local' | 'missing' | 'changed'; readonly id: Id }
  | { readonly kind: 'bytes-gone'; readonly id: Id; readonly local: string; readonly message: string };

export interface UnlinkOptions extends Pick<Call, 'signal'> {
  readonly catalog: Catalog;
  /** The main storage, where the bytes must still be. */
  readonly storages: Storages;
  /** See what would be done, and change nothing. Default false. */
  readonly dryRun?: boolean;
  /** Local places that are looked at at once. Default 64. */
  readonly concurrency?: number;
}

const DEFAULT_CONCURRENCY = 64;

/** Takes links away and goes back to the local places that they stood for, where the bytes are still there, of the size that is known. One outcome for each id, in their order. */
export async function unlinkEntities(ids: readonly IdLike[], o: UnlinkOptions): Promise<UnlinkResult[]> {
  const { catalog, dryRun = false } = o;
  const plans = await catalog.entities.planUnlink(ids);
  const sizes = new Map((await catalog.entities.getMany(ids)).flatMap((entity) => (entity === undefined ? [] : [[entity.id, entity.size] as const])));
  const slots = new Slots(o.concurrency ?? DEFAULT_CONCURRENCY);
  const faults = await Promise.all(plans.map((plan) => slots.with(() => localFault(plan, sizes.get(plan.id), o))));
  const ready = plans.flatMap((plan, i) => (plan.kind === 'ready' && faults[i] === undefined ? [plan] : []));
  const done = dryRun ? [] : await catalog.entities.unlink(ready);
  const outcomes = new Map(done.map((outcome) => [outcome.id, outcome]));
  return plans.map((plan, i): UnlinkResult => {
    const { id } = plan;
    if (plan.kind !== 'ready') return { kind: plan.kind, id };
    const { local } = plan;
    const message = faults[i];
    if (message !== undefined) return { kind: 'bytes-gone', id, local, message };
    const outcome = outcomes.get(id);
    return outcome === undefined || outcome.kind === 'unlinked' ? { kind: 'unlinked', id, local } : { kind: outcome.kind, id };
  });
}

/** Why an entity cannot go back to its local place. */
async function localFault(plan: UnlinkPlan, size: number | undefined, { storages, signal }: UnlinkOptions): Promise<string | undefined> {
  if (plan.kind !== 'ready') return undefined;
  const place = readLocal(plan.local);
  if (place === undefined) return `expected /<bucket>/<key> as its local place; got ${JSON.stringify(plan.local)}`;
  try {
    const info = await storages.main(place.bucket).head(place.key, signal === undefined ? {} : { signal });
    return size === undefined || size === info.size ? undefined : `its local place holds ${info.size} bytes; the catalog says ${size}`;
  } catch (error) {
    signal?.throwIfAborted();
    judgeStoreError(error);
    return (error as Error).message;
  }
}
