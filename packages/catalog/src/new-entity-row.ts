import type { NewEntity } from './entity.ts';
import type { CanonicalLink } from './canonical-links.ts';
import { readId, shownId } from './id.ts';
import { segmentFault, textFault } from './names.ts';
import { quoted } from './quoted.ts';
import type { EntityRow } from './tables.ts';

/** What a new entity says, as columns; id, name and times come when it is known what becomes of it. */
export type WantedRow = Omit<EntityRow, 'id' | 'version' | 'created_at' | 'updated_at'>;

/** The columns of a new entity, or why it cannot be kept. */
export function wantedRow(entity: NewEntity, canonical: (link: string) => CanonicalLink): WantedRow | { readonly reason: string } {
  const datasetId = readId(entity.datasetId);
  if (datasetId === undefined) return { reason: `expected the id of a dataset, a whole number from 1; got ${shownId(entity.datasetId)}` };
  const name = segmentFault(entity.name);
  if (name !== undefined) return { reason: name };
  const link = entity.link === undefined ? undefined : canonical(entity.link);
  if (link?.ok === false) return link;
  const { meta, tags, revision } = entity;
  const fault = contentFault(entity) ?? localFault(entity.local) ?? revisionFault(revision) ?? (tags === undefined ? undefined : tagsFault(tags));
  if (fault !== undefined) return { reason: fault };
  const metaText = meta === undefined ? '{}' : jsonText(meta);
  if (metaText === undefined) return { reason: 'meta holds what JSON cannot say' };
  return {
    dataset_id: datasetId,
    name: entity.name,
    local: entity.local ?? null,
    link: link?.link ?? null,
    // A revision without a link would be a state of nothing.
    link_etag: link === undefined ? null : (revision?.etag ?? null),
    link_version: link === undefined ? null : (revision?.version ?? null),
    hash: entity.hash ?? null,
    size: entity.size ?? null,
    mime: entity.mime ?? null,
    width: entity.width ?? null,
    height: entity.height ?? null,
    meta: metaText,
    tags: tags === undefined || tags.length === 0 ? '[]' : JSON.stringify(tags),
  };
}

interface LooseContent {
  readonly hash?: string | null;
  readonly mime?: string | null;
  readonly size?: number | null;
  readonly width?: number | null;
  readonly height?: number | null;
}

export function contentFault(content: LooseContent): string | undefined {
  return (
    shortText(content.hash, 'hash') ??
    shortText(content.mime, 'mime') ??
    wholeNumber(content.size, 'size', 'bytes') ??
    wholeNumber(content.width, 'width', 'pixels') ??
    wholeNumber(content.height, 'height', 'pixels')
  );
}

function shortText(text: string | null | undefined, what: string): string | undefined {
  if (text === undefined || text === null) return undefined;
  return typeof text === 'string' ? textFault(text, what) : `${what}: expected text; got ${typeof text}`;
}

function wholeNumber(value: number | null | undefined, what: string, unit: string): string | undefined {
  if (value === undefined || value === null || (Number.isSafeInteger(value) && value >= 0)) return undefined;
  return `${what}: expected a whole number of ${unit} from 0; got ${String(value)}`;
}

export function revisionFault(revision: { readonly etag?: string; readonly version?: string } | null | undefined): string | undefined {
  return shortText(revision?.etag, 'etag') ?? shortText(revision?.version, 'version');
}

/** Pointers have the form `/<bucket>/<key>`. */
function localFault(local: string | undefined): string | undefined {
  if (local === undefined) return undefined;
  if (!/^\/[^/]+\/[^]/.test(local)) return `local: expected /<bucket>/<key>; got ${quoted(local)}`;
  return textFault(local, 'local');
}

export function tagsFault(tags: readonly string[]): string | undefined {
  for (const tag of tags) {
    if (typeof tag !== 'string' || tag === '') return `tags: expected texts that are not empty; got ${quoted(tag)}`;
  }
  return undefined;
}

/** Undefined for what JSON cannot say: loops, bigints, functions. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
