import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { type IdLike, parseId } from './id.ts';
import { distinctIds, linkBatches } from './link-batches.ts';
import { changeOf } from './link-change-row.ts';
import type { UnlinkOutcome, UnlinkPlan, UnlinkRequest } from './link-change.ts';
import type { EntityRow, LinkChangeRow, Tables } from './tables.ts';

export async function planUnlink(database: Database, ids: readonly IdLike[]): Promise<UnlinkPlan[]> {
  const plans: UnlinkPlan[] = [];
  for (const batch of linkBatches(ids.map((id) => parseId(id, 'an entity')))) {
    plans.push(
      ...(await database.read(async (db, rows) => {
        const current = new Map((await rows.entities(batch)).map((row) => [row.id, row]));
        const locals = await localsOf(db, [...current.values()]);
        return batch.map((id) => planOf(id, current.get(id), locals.get(id)));
      })),
    );
  }
  return plans;
}

function planOf(id: number, row: EntityRow | undefined, local: string | null | undefined): UnlinkPlan {
  if (row === undefined) return { kind: 'missing', id };
  if (row.link === null) return { kind: 'no-link', id };
  if (typeof local !== 'string') return { kind: 'no-local', id, link: row.link };
  return { kind: 'ready', id, version: row.version, link: row.link, local };
}

export async function unlink(database: Database, now: () => Date, requests: readonly UnlinkRequest[]): Promise<UnlinkOutcome[]> {
  const ids = distinctIds(requests.map(({ id }) => id));
  const numbered = requests.map(({ version }, i) => ({ id: ids[i] as number, version }));
  const all: UnlinkOutcome[] = [];
  for (const batch of linkBatches(numbered)) {
    const outcomes = await database.write(async (db, rows) => {
      const at = now().getTime();
      const current = new Map((await rows.lockEntities(batch.map(({ id }) => id))).map((row) => [row.id, row]));
      const locals = await localsOf(db, [...current.values()]);
      const changed: EntityRow[] = [];
      const changes: LinkChangeRow[] = [];
      const told = batch.map(({ id, version }): UnlinkOutcome => {
        const before = current.get(id);
        const plan = planOf(id, before, locals.get(id));
        if (before === undefined || plan.kind === 'missing') return { kind: 'missing', id };
        if (plan.kind !== 'ready') return { kind: plan.kind, id };
        if (before.version !== version) return { kind: 'changed', id, version: before.version };
        const after: EntityRow = { ...before, local: plan.local, link: null, link_etag: null, link_version: null, version: version + 1, updated_at: at };
        changed.push(after);
        changes.push(changeOf(before, after, 'unlink', at));
        return { kind: 'unlinked', id, version: after.version, local: plan.local };
      });
      await rows.updateEntities(changed);
      await rows.insertLinkChanges(changes);
      return told;
    });
    all.push(...outcomes);
  }
  return all;
}

/** The local pointer of each: the one it has, else the last one it had for the content that it has now. */
async function localsOf(db: Kysely<Tables>, rows: readonly EntityRow[]): Promise<Map<number, string | null>> {
  const locals = new Map(rows.map((row) => [row.id, row.local]));
  const without = rows.filter((row) => row.local === null).map((row) => row.id);
  if (without.length === 0) return locals;
  const changes = await db
    .selectFrom('link_changes')
    .select(['entity_id', 'cause', 'from_local', 'to_local'])
    .where('entity_id', 'in', without)
    .orderBy('id')
    .execute();
  for (const { entity_id: id, cause, from_local: from, to_local: to } of changes) {
    // What lay there before a replacement was other content.
    locals.set(id, cause === 'replace' ? to : (from ?? locals.get(id) ?? null));
  }
  return locals;
}
