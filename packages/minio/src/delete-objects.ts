import type { DeleteObjectsCommandOutput } from '@aws-sdk/client-s3';
import { assertRevision, type Call, type DeleteItem, type DeleteOutcome, isStorageError, type StorageError } from '@stowage/core';
import { etagOf, inParallel } from '@stowage/wire';
import { current } from './copy-object.ts';
import { serviceError } from './minio-error.ts';
import type { UploadHost } from './minio-upload.ts';

/** Characters that XML 1.0 cannot hold, not even as references: such keys are deleted by requests of their own. */
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const SINGLE_AT_ONCE = 16;

type Refusal = NonNullable<DeleteObjectsCommandOutput['Errors']>[number];

interface Numbered {
  readonly item: DeleteItem;
  readonly index: number;
}

/** One outcome per item, in order. Plain keys go in one request; conditional ones and those that XML cannot hold one by one. */
export async function deleteObjects(host: UploadHost, items: readonly DeleteItem[], conditional: boolean, o: Call): Promise<readonly DeleteOutcome[]> {
  const outcomes: DeleteOutcome[] = [];
  const together: Numbered[] = [];
  const alone: Numbered[] = [];
  for (const [index, item] of items.entries()) (items.length > 1 && item.if === undefined && !NOT_XML.test(item.key) ? together : alone).push({ item, index });
  if (together.length > 0) await deleteTogether(host, together, outcomes, alone.length === 0, o);
  await inParallel(alone, SINGLE_AT_ONCE, async ({ item, index }) => {
    outcomes[index] = await settled(item.key, () => deleteOne(host, item, conditional, o));
  });
  return outcomes;
}

async function settled(key: string, work: () => Promise<void>): Promise<DeleteOutcome> {
  try {
    await work();
    return { key, ok: true };
  } catch (error) {
    if (isStorageError(error)) return { key, ok: false, error };
    throw error;
  }
}

async function deleteOne(host: UploadHost, { key, if: revision, version }: DeleteItem, conditional: boolean, o: Call): Promise<void> {
  if (revision !== undefined && !conditional) assertRevision(key, await current(host, key, o), revision);
  const input = {
    Bucket: host.store.bucket,
    Key: key,
    ...(version === undefined ? {} : { VersionId: version }),
    ...(revision !== undefined && conditional ? { IfMatch: etagOf(revision) } : {}),
  };
  const context = host.store.context('delete', key, revision === undefined ? {} : { condition: 'revision' });
  try {
    await host.sdk.call(context, o, (client, sdk, send) => client.send(new sdk.DeleteObjectCommand(input), send));
  } catch (error) {
    // A missing key, or version, is deleted.
    if (!isStorageError(error, 'NotFound') || revision !== undefined) throw error;
  }
}

async function deleteTogether(host: UploadHost, items: readonly Numbered[], outcomes: DeleteOutcome[], onlyOnes: boolean, o: Call): Promise<void> {
  const context = host.store.context('delete');
  const objects = items.map(({ item: { key, version } }) => ({ Key: key, ...(version === undefined ? {} : { VersionId: version }) }));
  const input = { Bucket: host.store.bucket, Delete: { Objects: objects, Quiet: true } };
  let refusals: readonly Refusal[];
  try {
    refusals = (await host.sdk.call(context, o, (client, sdk, send) => client.send(new sdk.DeleteObjectsCommand(input), send))).Errors ?? [];
  } catch (error) {
    if (onlyOnes || !isStorageError(error)) throw error;
    for (const { item, index } of items) outcomes[index] = { key: item.key, ok: false, error: error.withKey(item.key) };
    return;
  }
  const byName = new Map<string, StorageError>();
  for (const { Key, VersionId, Code = '', Message = '' } of refusals) {
    const error = serviceError({ status: 200, code: Code, message: Message }, host.store.context('delete', Key));
    byName.set(nameOf(Key ?? '', VersionId), error);
    if (error.code === 'NotFound') byName.delete(nameOf(Key ?? '', VersionId));
  }
  for (const { item, index } of items) {
    const error = byName.get(nameOf(item.key, item.version)) ?? byName.get(nameOf(item.key, undefined));
    byName.delete(nameOf(item.key, item.version));
    outcomes[index] = error === undefined ? { key: item.key, ok: true } : { key: item.key, ok: false, error };
  }
  // A refusal of a key that was not sent: it belongs to one of them, and it is not known to which.
  const [stray] = byName.values();
  if (stray === undefined) return;
  for (const { item, index } of items) if (outcomes[index]?.ok === true) outcomes[index] = { key: item.key, ok: false, error: stray.withKey(item.key) };
}

function nameOf(key: string, version: string | undefined): string {
  return version === undefined ? key : `${key}\0${version}`;
}
