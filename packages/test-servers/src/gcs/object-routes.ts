import { randomBytes } from 'node:crypto';
import { ApiError, invalid } from './api-error.ts';
import { assertConditions, assertProperties, Content, type HeldObject, type ObjectStore, type Writable } from './object-store.ts';
import { patched, resourceOf, selected, writableOf } from './object-resource.ts';
import { answerJson, bodyJson, conditionsOf, type Exchange } from './request.ts';

/** Sources of one compose: https://cloud.google.com/storage/docs/composite-objects */
const MAX_SOURCES = 32;
const MIB = 1024 * 1024;

const generationOf = (query: URLSearchParams): string | undefined => query.get('generation') ?? undefined;

/** https://cloud.google.com/storage/docs/json_api/v1/objects/get, for the resource. */
export function getObject(exchange: Exchange, store: ObjectStore, bucket: string, name: string): void {
  const { query } = exchange;
  const held = store.get(bucket, name, generationOf(query));
  const conditions = conditionsOf(query);
  const { generationNotMatch, metagenerationNotMatch, ...matches } = conditions;
  assertConditions(held, matches);
  // A read whose "not" condition fails is not modified, which has no body.
  if (generationNotMatch === held.generation || metagenerationNotMatch === String(held.metageneration)) {
    exchange.answer.writeHead(304).end();
    return;
  }
  answerJson(exchange, selected(resourceOf(held), query.get('fields')));
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects/patch: a merge patch; the generation stays. */
export async function patchObject(exchange: Exchange, store: ObjectStore, bucket: string, name: string): Promise<void> {
  const { query } = exchange;
  const patch = writableOf(await bodyJson(exchange), true);
  const held = store.get(bucket, name, generationOf(query));
  assertConditions(held, conditionsOf(query));
  const { storageClass, customTime } = patch;
  if (storageClass !== undefined && storageClass !== held.properties.storageClass) throw invalid('The storage class is changed by a rewrite alone.');
  if (customTime === null) throw invalid('Custom time cannot be removed.');
  const next = patched(held.properties, { ...patch });
  assertProperties(next);
  held.properties = next;
  held.metageneration++;
  held.updated = new Date();
  answerJson(exchange, selected(resourceOf(held), query.get('fields')));
}

export function deleteObject({ query, answer }: Exchange, store: ObjectStore, bucket: string, name: string): void {
  store.delete(bucket, name, generationOf(query), conditionsOf(query));
  answer.writeHead(204).end();
}

interface ComposeSource {
  readonly name?: unknown;
  readonly generation?: unknown;
  readonly objectPreconditions?: { readonly ifGenerationMatch?: unknown };
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects/compose */
export async function composeObject(exchange: Exchange, store: ObjectStore, bucket: string, name: string): Promise<void> {
  const body = (await bodyJson(exchange)) as { readonly sourceObjects?: readonly ComposeSource[]; readonly destination?: unknown };
  const { sourceObjects = [], destination = {} } = body;
  if (sourceObjects.length === 0) throw new ApiError(400, 'required', 'You must provide at least one source component.');
  if (sourceObjects.length > MAX_SOURCES)
    throw invalid(`The number of source components provided (${sourceObjects.length}) exceeds the maximum (${MAX_SOURCES})`);
  const sources = sourceObjects.map((source) => sourceOf(store, bucket, source));
  const classes = new Set(sources.map(({ properties }) => properties.storageClass));
  const { storageClass, ...wanted } = writableOf(destination);
  if (classes.size > 1 || (storageClass !== undefined && !classes.has(storageClass)))
    throw invalid('The source objects and the composed object must have one storage class.');
  const content = new Content();
  for (const source of sources) for (const chunk of source.content.chunks) content.add(chunk);
  const components = sources.reduce((sum, { componentCount = 1 }) => sum + componentCount, 0);
  const properties = { ...wanted, storageClass: [...classes][0] ?? 'STANDARD' };
  answerJson(
    exchange,
    selected(resourceOf(store.put(bucket, name, content, properties, conditionsOf(exchange.query), components)), exchange.query.get('fields')),
  );
}

function sourceOf(store: ObjectStore, bucket: string, { name, generation, objectPreconditions }: ComposeSource): HeldObject {
  if (typeof name !== 'string') throw new ApiError(400, 'required', 'Required');
  const wanted = typeof generation === 'string' || typeof generation === 'number' ? String(generation) : undefined;
  const found = store.find(bucket, name, wanted);
  if (found === undefined) throw new ApiError(404, 'notFound', `Object ${name} (generation: ${wanted ?? 0}) not found.`);
  const match = objectPreconditions?.ifGenerationMatch;
  assertConditions(found, { generationMatch: typeof match === 'string' || typeof match === 'number' ? String(match) : undefined });
  return found;
}

/** Copies between buckets, or to another storage class, take several calls of one MiB at least: https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite */
export class Rewrites {
  readonly #store: ObjectStore;
  readonly #underWay = new Map<string, { readonly request: string; readonly written: number }>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async rewrite(exchange: Exchange, from: { bucket: string; name: string }, to: { bucket: string; name: string }): Promise<void> {
    const { query } = exchange;
    const body = writableOf(await bodyJson(exchange));
    const source = this.#store.get(from.bucket, from.name, query.get('sourceGeneration') ?? undefined);
    assertConditions(source, conditionsOf(query, 'Source'));
    assertConditions(this.#store.find(to.bucket, to.name), conditionsOf(query));
    const replaced = Object.keys(body).length > 0;
    const { storageClass: _, ...kept } = source.properties;
    const properties: Writable = replaced ? body : kept;
    const total = source.content.size;
    const atOnce = from.bucket === to.bucket && (properties.storageClass ?? 'STANDARD') === source.properties.storageClass;
    const token = query.get('rewriteToken');
    const request = JSON.stringify([from, to, source.generation, body]);
    const before = token === null ? undefined : this.#underWay.get(token);
    if (token !== null && before?.request !== request) throw invalid('Invalid rewrite token.');
    const written = Math.min(total, atOnce ? total : (before?.written ?? 0) + MIB);
    const told = { kind: 'storage#rewriteResponse', totalBytesRewritten: String(written), objectSize: String(total) };
    if (token !== null) this.#underWay.delete(token);
    if (written < total) {
      const next = randomBytes(16).toString('base64url');
      this.#underWay.set(next, { request, written });
      return answerJson(exchange, { ...told, done: false, rewriteToken: next });
    }
    const { md5Hash: _md5, crc32c: _crc, name: _name, ...wanted } = properties as typeof body;
    // Another class or place makes one component of a composite.
    const components = atOnce ? source.componentCount : undefined;
    const held = this.#store.put(to.bucket, to.name, source.content, wanted, conditionsOf(query), components);
    return answerJson(exchange, selected({ ...told, done: true, resource: resourceOf(held) }, query.get('fields')));
  }
}
