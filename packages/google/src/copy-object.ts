import { assertRevision, type Call, type CopyItem, type ObjectHeaders, type ObjectInfo, pickHeaders, type Revision, StorageError } from '@stowage/core';
import { conditionKind, percentEncoded, signalOf } from '@stowage/wire';
import { generationMatch, generationOf } from './conditions.ts';
import { resourceFrom, type WritableResource } from './convert-headers.ts';
import { HEAD_FIELDS, infoOf, type ObjectResource } from './convert-object.ts';
import { lookAt, named } from './read-object.ts';
import type { ServiceClient } from './service-client.ts';

interface RewriteAnswer {
  readonly done?: boolean;
  readonly rewriteToken?: string;
  readonly totalBytesRewritten?: string;
  readonly resource?: ObjectResource;
}

/** A copy on the server's side, pinned to the generation of the source that was looked at. */
export async function copyObject(client: ServiceClient, source: ServiceClient, item: CopyItem, o: Call): Promise<ObjectInfo> {
  const { from, to } = item;
  const found = await lookAt(source, from.key, { ...signalOf(o), ...(from.version === undefined ? {} : { version: from.version }) }, 'copy');
  const info = infoOf(found);
  if (item.sourceIf !== undefined) assertRevision(from.key, info, item.sourceIf);
  const body = item.headers === undefined ? keptResource(found) : { ...resourceFrom(item.headers, to), ...classOf(item.headers, found) };
  return await rewrite(client, { bucket: source.bucket, key: from.key, generation: found.generation }, to, body, item.if, o);
}

/** Everything that the source has, word for word: without a resource Google leaves the storage class behind. */
function keptResource({
  contentType,
  cacheControl,
  contentDisposition,
  contentEncoding,
  contentLanguage,
  storageClass,
  customTime,
  metadata,
}: ObjectResource): object {
  return { contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage, storageClass, customTime, metadata };
}

function classOf({ storageClass }: ObjectHeaders, found: ObjectResource): Pick<WritableResource, 'storageClass'> {
  const kept = storageClass ?? found.storageClass;
  return kept === undefined ? {} : { storageClass: kept };
}

/** Large copies take several calls, each with the token of the one before: https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite */
async function rewrite(
  client: ServiceClient,
  from: { readonly bucket: string; readonly key: string; readonly generation: string },
  to: string,
  resource: object,
  condition: CopyItem['if'],
  o: Call,
): Promise<ObjectInfo> {
  const context = client.context('copy', to, { condition: conditionKind(condition) });
  const body = Buffer.from(JSON.stringify(resource));
  const path = `/storage/v1/b/${percentEncoded(from.bucket)}/o/${percentEncoded(from.key)}/rewriteTo/b/${percentEncoded(client.bucket)}/o/${percentEncoded(to)}`;
  let token: string | undefined;
  let written = -1;
  for (;;) {
    const answer: RewriteAnswer = await client.json<RewriteAnswer>({
      method: 'POST',
      path,
      query: {
        sourceGeneration: from.generation,
        ifGenerationMatch: generationMatch(condition),
        rewriteToken: token,
        fields: `done,rewriteToken,totalBytesRewritten,resource(${HEAD_FIELDS})`,
      },
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body,
      context,
      ...signalOf(o),
    });
    if (answer.done === true && answer.resource !== undefined) return { ...infoOf(named(answer.resource, context)), key: to };
    const now = Number(answer.totalBytesRewritten ?? 0);
    if (answer.rewriteToken === undefined || now <= written)
      throw new StorageError('Unavailable', `${context.endpoint} does not go on with the copy to ${JSON.stringify(to)}`, { key: to });
    token = answer.rewriteToken;
    written = now;
  }
}

const PATCH_ATTEMPTS = 5;
const CLEARED = ['cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage'] as const;

/**
 * Replaces all headers in place; the generation stays, the metageneration rises. A patch changes what it names, so the old names must be
 * known and unchanged meanwhile. Another storage class needs a rewrite onto itself, which makes a new generation.
 */
export async function replaceHeaders(client: ServiceClient, key: string, given: ObjectHeaders, revision: Revision | undefined, o: Call): Promise<ObjectInfo> {
  const headers = pickHeaders(given);
  const wanted = resourceFrom(headers, key);
  for (let attempt = 1; ; attempt++) {
    const found = await lookAt(client, key, signalOf(o), 'setHeaders');
    if (revision !== undefined) assertRevision(key, infoOf(found), revision);
    const { storageClass, ...rest } = wanted;
    if (storageClass !== undefined && storageClass !== found.storageClass) {
      const body = { ...wanted, ...(found.customTime === undefined ? {} : { customTime: found.customTime }) };
      return await rewrite(client, { bucket: client.bucket, key, generation: found.generation }, key, body, { version: found.generation }, o);
    }
    const cleared = Object.fromEntries(CLEARED.map((name) => [name, null]));
    const metadata = { ...Object.fromEntries(Object.keys(found.metadata ?? {}).map((name) => [name, null])), ...rest.metadata };
    const context = client.context('setHeaders', key, { condition: 'revision' });
    try {
      const patched = await client.json<ObjectResource>({
        method: 'PATCH',
        path: client.objectPath(key),
        query: { ifGenerationMatch: generationOf({ version: found.generation }), ifMetagenerationMatch: found.metageneration, fields: HEAD_FIELDS },
        headers: { 'content-type': 'application/json; charset=UTF-8' },
        body: Buffer.from(JSON.stringify({ ...cleared, ...rest, metadata })),
        context,
        ...signalOf(o),
      });
      return { ...infoOf(named(patched, context)), key };
    } catch (error) {
      // Somebody else changed it between: look again.
      if (!(error instanceof StorageError) || error.code !== 'PreconditionFailed' || attempt >= PATCH_ATTEMPTS) throw error;
    }
  }
}
