import type { Generated } from 'kysely';

/** The tables as both engines hold them. Times are milliseconds since 1970; JSON is text, so that it comes back byte for byte. */
export interface Tables {
  readonly catalog_version: { readonly version: number };
  readonly projects: ProjectRow;
  readonly datasets: DatasetRow;
  readonly entities: EntityRow;
  readonly link_changes: LinkChangeRow & { readonly id: Generated<number> };
  readonly import_runs: ImportRunRow;
  readonly import_sources: ImportSourceRow;
}

interface ProjectRow {
  readonly id: Generated<number>;
  readonly name: string;
  readonly type: string;
  readonly created_at: number;
}

interface DatasetRow {
  readonly id: Generated<number>;
  readonly project_id: number;
  readonly parent_id: number | null;
  readonly name: string;
  readonly created_at: number;
}

export interface EntityRow {
  readonly id: number;
  readonly dataset_id: number;
  readonly name: string;
  readonly local: string | null;
  readonly link: string | null;
  readonly link_etag: string | null;
  readonly link_version: string | null;
  readonly hash: string | null;
  readonly size: number | null;
  readonly mime: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly meta: string;
  readonly tags: string;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface LinkChangeRow {
  readonly entity_id: number;
  readonly at: number;
  readonly cause: string;
  readonly version: number;
  readonly from_local: string | null;
  readonly from_link: string | null;
  readonly from_etag: string | null;
  readonly from_version: string | null;
  readonly to_local: string | null;
  readonly to_link: string | null;
  readonly to_etag: string | null;
  readonly to_version: string | null;
}

interface ImportRunRow {
  readonly id: Generated<number>;
  readonly key: string;
  readonly started_at: number;
  readonly finished_at: number | null;
}

interface ImportSourceRow {
  readonly id: Generated<number>;
  readonly run_id: number;
  readonly source: string;
  readonly byte_offset: number;
  readonly line: number;
  readonly finished: number;
  readonly state: string;
}

/** The columns of an entity, in the order in which bulk statements name them. */
export const ENTITY_COLUMNS: readonly (keyof EntityRow)[] = [
  'id',
  'dataset_id',
  'name',
  'local',
  'link',
  'link_etag',
  'link_version',
  'hash',
  'size',
  'mime',
  'width',
  'height',
  'meta',
  'tags',
  'version',
  'created_at',
  'updated_at',
];

/** The columns of a change of places, in the order in which bulk statements name them. */
export const LINK_CHANGE_COLUMNS: readonly (keyof LinkChangeRow)[] = [
  'entity_id',
  'at',
  'cause',
  'version',
  'from_local',
  'from_link',
  'from_etag',
  'from_version',
  'to_local',
  'to_link',
  'to_etag',
  'to_version',
];
