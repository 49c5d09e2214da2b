import type { Revision } from '@stowage/core';
import type { Entity, Json, Places } from './entity.ts';
import type { EntityRow } from './tables.ts';

/** A row as its user sees it: what is null is absent, and JSON.stringify writes it as one line of an export. */
export function entityOf(row: EntityRow): Entity {
  return {
    id: row.id,
    datasetId: row.dataset_id,
    name: row.name,
    ...placesOf(row),
    ...(row.hash === null ? undefined : { hash: row.hash }),
    ...(row.size === null ? undefined : { size: row.size }),
    ...(row.mime === null ? undefined : { mime: row.mime }),
    ...(row.width === null ? undefined : { width: row.width }),
    ...(row.height === null ? undefined : { height: row.height }),
    meta: row.meta === '{}' ? {} : (JSON.parse(row.meta) as { readonly [name: string]: Json }),
    tags: row.tags === '[]' ? [] : (JSON.parse(row.tags) as string[]),
    version: row.version,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  };
}

type PlaceColumns = Pick<EntityRow, 'local' | 'link' | 'link_etag' | 'link_version'>;

export function placesOf(row: PlaceColumns): Places {
  return {
    ...(row.local === null ? undefined : { local: row.local }),
    ...(row.link === null ? undefined : { link: row.link }),
    ...(row.link_etag === null && row.link_version === null ? undefined : { revision: revisionOf(row) }),
  };
}

function revisionOf(row: PlaceColumns): Revision {
  return {
    ...(row.link_etag === null ? undefined : { etag: row.link_etag }),
    ...(row.link_version === null ? undefined : { version: row.link_version }),
  };
}
