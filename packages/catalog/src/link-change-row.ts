import { placesOf } from './entity-row.ts';
import type { LinkChange, LinkChangeCause } from './link-change.ts';
import type { EntityRow, LinkChangeRow } from './tables.ts';

/** What the history keeps of a change from one state of an entity to the next. */
export function changeOf(before: EntityRow, after: EntityRow, cause: LinkChangeCause, at: number): LinkChangeRow {
  return {
    entity_id: after.id,
    at,
    cause,
    version: after.version,
    from_local: before.local,
    from_link: before.link,
    from_etag: before.link_etag,
    from_version: before.link_version,
    to_local: after.local,
    to_link: after.link,
    to_etag: after.link_etag,
    to_version: after.link_version,
  };
}

export function linkChangeOf(row: LinkChangeRow): LinkChange {
  return {
    entityId: row.entity_id,
    at: new Date(row.at),
    cause: row.cause as LinkChangeCause,
    from: placesOf({ local: row.from_local, link: row.from_link, link_etag: row.from_etag, link_version: row.from_version }),
    to: placesOf({ local: row.to_local, link: row.to_link, link_etag: row.to_etag, link_version: row.to_version }),
    version: row.version,
  };
}
