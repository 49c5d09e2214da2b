import { invalid } from './api-error.ts';
import { type HeldObject, type Writable, WRITABLE_TEXTS } from './object-store.ts';

/** Where this server is asked: for the links in its answers. */
let origin = '';

export function servedAt(url: string): void {
  origin = url;
}

/** As the JSON API tells an object: https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function resourceOf(held: HeldObject): Record<string, unknown> {
  const { bucket, name, generation, metageneration, properties, content, md5Hash, crc32c, timeCreated, updated, timeDeleted, componentCount } = held;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    mediaLink: `${origin}/download/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation,
    metageneration: String(metageneration),
    ...properties,
    size: String(content.size),
    ...(md5Hash === undefined ? {} : { md5Hash }),
    crc32c,
    etag: Buffer.from(`${generation}/${metageneration}`).toString('base64'),
    timeCreated: timeCreated.toISOString(),
    updated: updated.toISOString(),
    timeStorageClassUpdated: timeCreated.toISOString(),
    ...(timeDeleted === undefined ? {} : { timeDeleted: timeDeleted.toISOString() }),
    ...(componentCount === undefined ? {} : { componentCount }),
  };
}

/** What of a request's resource may be written. A null clears, where `nulls` are meant (PATCH). */
export function writableOf(body: unknown, nulls: boolean = false): Writable & { md5Hash?: string; crc32c?: string; name?: string } {
  if (typeof body !== 'object' || body === null) throw invalid('Parse Error');
  const fields = body as Readonly<Record<string, unknown>>;
  const out: Record<string, unknown> = {};
  for (const name of [...WRITABLE_TEXTS, 'md5Hash', 'crc32c', 'name'] as const) {
    const value = fields[name];
    if (value === undefined || (value === null && !nulls)) continue;
    if (value !== null && typeof value !== 'string') throw invalid(`Invalid value for: ${name}`);
    out[name] = value;
  }
  if (fields['metadata'] !== undefined) out['metadata'] = fields['metadata'];
  return out;
}

/** A merge patch (RFC 7396) on the properties. */
export function patched(old: Writable, patch: Readonly<Record<string, unknown>>): Writable {
  const out: Record<string, unknown> = { ...old };
  for (const [name, value] of Object.entries(patch)) {
    if (name === 'metadata' && value !== null) {
      const merged: Record<string, unknown> = { ...old.metadata };
      for (const [key, text] of Object.entries(value as Record<string, unknown>)) {
        if (text === null) delete merged[key];
        else merged[key] = text;
      }
      if (Object.keys(merged).length === 0) delete out['metadata'];
      else out['metadata'] = merged;
    } else if (value === null) delete out[name];
    else out[name] = value;
  }
  return out;
}

/** The `fields` parameter: https://cloud.google.com/storage/docs/json_api#partial-response */
export function selected(value: unknown, fields: string | null): unknown {
  if (fields === null || fields === '*') return value;
  if (Array.isArray(value)) return value.map((each) => selected(each, fields));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [, name = '', inner] of fields.matchAll(/(\w+)(?:\(([^()]*)\))?/g)) {
    const part = (value as Record<string, unknown>)[name];
    if (part !== undefined) out[name] = inner === undefined ? part : selected(part, inner);
  }
  return out;
}
