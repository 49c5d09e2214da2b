import type { Entity, Json, NewEntity } from '@stowage/catalog';

/** An entity as `entities list --json` and `export` write it, and as `entities add` reads it: one object a line. */
export function entityJson(entity: Entity, dataset: readonly string[]): string {
  const { createdAt, updatedAt, datasetId: _, id, ...rest } = entity;
  return `${JSON.stringify({ id, dataset, ...rest, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() })}\n`;
}

/** A row that was read, with the dataset that it names; or why it is none. */
export type ReadEntity =
  | { readonly ok: true; readonly dataset: readonly string[] | undefined; readonly entity: Omit<NewEntity, 'datasetId'> }
  | { readonly ok: false; readonly reason: string };

const TEXTS = ['local', 'link', 'hash', 'mime'] as const;
const NUMBERS = ['size', 'width', 'height'] as const;

/** Reads one line; fields that a catalog gives by itself (id, version, times) are passed over. */
export function readEntityLine(line: string): ReadEntity {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    return { ok: false, reason: `expected a JSON object; it is no JSON: ${(error as Error).message}` };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { ok: false, reason: 'expected a JSON object' };
  const fields = parsed as Readonly<Record<string, unknown>>;
  const { name, dataset, tags, meta } = fields;
  if (typeof name !== 'string' || name === '') return { ok: false, reason: 'expected a text as "name"' };
  if (dataset !== undefined && !isTexts(dataset)) return { ok: false, reason: 'expected a list of names as "dataset"' };
  if (tags !== undefined && !isTexts(tags)) return { ok: false, reason: 'expected a list of texts as "tags"' };
  if (meta !== undefined && (typeof meta !== 'object' || meta === null || Array.isArray(meta))) return { ok: false, reason: 'expected an object as "meta"' };
  const known: Record<string, string | number> = {};
  for (const field of TEXTS) {
    const value = fields[field];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') return { ok: false, reason: `expected a text as "${field}"` };
    known[field] = value;
  }
  for (const field of NUMBERS) {
    const value = fields[field];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) return { ok: false, reason: `expected a whole number as "${field}"` };
    known[field] = value;
  }
  const entity = { ...known, name, ...(tags === undefined ? {} : { tags }), ...(meta === undefined ? {} : { meta: meta as { readonly [key: string]: Json } }) };
  return { ok: true, dataset, entity };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
}
