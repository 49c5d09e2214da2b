import type { CanonicalLink } from './canonical-links.ts';
import { CatalogError } from './catalog-error.ts';
import type { BulkRows, Database } from './database.ts';
import type { Places } from './entity.ts';
import type { IdLike } from './id.ts';
import { distinctIds, linkBatches } from './link-batches.ts';
import { changeOf } from './link-change-row.ts';
import type { RemoteOutcome, SetRemoteOptions } from './link-change.ts';
import { revisionFault } from './new-entity-row.ts';
import { PROJECT_TYPES, type ProjectType } from './project.ts';
import { quoted } from './quoted.ts';
import type { EntityRow, LinkChangeRow, Tables } from './tables.ts';
import type { Kysely } from 'kysely';

/** One id with its link, and what is to hold for it. */
interface Wish {
  readonly id: number;
  readonly link: CanonicalLink;
  readonly version: number | undefined;
  readonly revision: Places['revision'];
}

export async function setRemote(
  database: Database,
  canonical: (link: string) => CanonicalLink,
  now: () => Date,
  ids: readonly IdLike[],
  links: readonly string[],
  o: SetRemoteOptions,
): Promise<RemoteOutcome[]> {
  const wishes = wishesOf(canonical, ids, links, o);
  const all: RemoteOutcome[] = [];
  for (const batch of linkBatches(wishes)) {
    const outcomes = await database.write((db, rows) => linkBatch(db, rows, batch, o, now().getTime()));
    o.onBatch?.(outcomes);
    all.push(...outcomes);
  }
  return all;
}

function wishesOf(canonical: (link: string) => CanonicalLink, ids: readonly IdLike[], links: readonly string[], o: SetRemoteOptions): Wish[] {
  const { type, versions, revisions } = o;
  for (const [name, list] of Object.entries({ links, versions, revisions })) {
    if (list === undefined || list.length === ids.length) continue;
    throw new CatalogError('InvalidArgument', `setRemote: expected as many ${name} as ids, ${ids.length}; got ${list.length}`);
  }
  if (type !== undefined && !PROJECT_TYPES.includes(type)) {
    throw new CatalogError('InvalidArgument', `setRemote: expected the type ${PROJECT_TYPES.join(' or ')}; got ${quoted(type)}`);
  }
  return distinctIds(ids).map((id, i) => {
    const fault = revisionFault(revisions?.[i]);
    const link: CanonicalLink = fault === undefined ? canonical(links[i] as string) : { ok: false, reason: fault };
    return { id, link, version: versions?.[i], revision: revisions?.[i] };
  });
}

async function linkBatch(db: Kysely<Tables>, rows: BulkRows, wishes: readonly Wish[], o: SetRemoteOptions, now: number): Promise<RemoteOutcome[]> {
  const current = new Map((await rows.lockEntities(wishes.map(({ id }) => id))).map((row) => [row.id, row]));
  const types = o.type === undefined ? undefined : await datasetTypes(db, [...new Set([...current.values()].map((row) => row.dataset_id))]);
  const changed: EntityRow[] = [];
  const changes: LinkChangeRow[] = [];
  const outcomes = wishes.map(({ id, link, version, revision }): RemoteOutcome => {
    const before = current.get(id);
    if (before === undefined) return { kind: 'missing', id };
    const type = types?.get(before.dataset_id);
    if (type !== undefined && type !== o.type) return { kind: 'wrong-type', id, type };
    if (!link.ok) return { kind: 'refused', id, reason: link.reason };
    const after = linked(before, link.link, revision, o.clearLocal === true, now);
    if (after === undefined) return { kind: 'same', id, version: before.version };
    if (version !== undefined && version !== before.version) return { kind: 'changed', id, version: before.version };
    changed.push(after);
    changes.push(changeOf(before, after, 'set-remote', now));
    return { kind: 'linked', id, version: after.version };
  });
  await rows.updateEntities(changed);
  await rows.insertLinkChanges(changes);
  return outcomes;
}

/** The row with its link; undefined where it has it already and nothing else changes. */
function linked(before: EntityRow, link: string, revision: Places['revision'], clearLocal: boolean, now: number): EntityRow | undefined {
  const kept = revision === undefined && before.link === link;
  const after: EntityRow = {
    ...before,
    link,
    local: clearLocal ? null : before.local,
    link_etag: kept ? before.link_etag : (revision?.etag ?? null),
    link_version: kept ? before.link_version : (revision?.version ?? null),
    version: before.version + 1,
    updated_at: now,
  };
  const same = before.link === link && before.local === after.local && before.link_etag === after.link_etag && before.link_version === after.link_version;
  return same ? undefined : after;
}

/** The type of each dataset's project. */
async function datasetTypes(db: Kysely<Tables>, ids: readonly number[]): Promise<Map<number, ProjectType>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('datasets')
    .innerJoin('projects', 'projects.id', 'datasets.project_id')
    .select(['datasets.id', 'projects.type'])
    .where('datasets.id', 'in', ids)
    .execute();
  return new Map(rows.map(({ id, type }) => [id, type as ProjectType]));
}
