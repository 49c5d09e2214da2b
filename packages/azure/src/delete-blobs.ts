import { randomUUID } from 'node:crypto';
import { type Call, type DeleteItem, type DeleteOutcome, isStorageError, type StorageError } from '@stowage/core';
import { encodedQuery, etagOf, headerOf, inParallel } from '@stowage/wire';
import { serviceError } from './azure-error.ts';
import { pick } from './pick.ts';
import type { UnsignedRequest } from './sign-in/sign-in.ts';
import type { StoreConnection } from './wire/store-connection.ts';
import { errorDocument } from './xml/elements.ts';

const SINGLE_AT_ONCE = 16;

/**
 * One outcome per item, in order; a missing key is deleted. Up to 256 go in one request, each signed by itself. Which credentials may
 * send such a batch differs from who may delete: where it is refused as a whole, the items go one by one.
 */
export async function deleteBlobs(store: StoreConnection, items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
  if (items.length > 1) {
    const outcomes = await deleteTogether(store, items, o);
    if (outcomes !== undefined) return outcomes;
  }
  return await inParallel(items, SINGLE_AT_ONCE, async (item): Promise<DeleteOutcome> => {
    try {
      await deleteOne(store, item, o);
      return { key: item.key, ok: true };
    } catch (error) {
      if (isStorageError(error)) return { key: item.key, ok: false, error };
      throw error;
    }
  });
}

function requestOf(store: StoreConnection, { if: revision, version }: DeleteItem): { query: Record<string, string>; headers: Record<string, string> } {
  return {
    query: { ...pick('versionid', version) },
    headers: {
      ...(revision === undefined ? {} : { 'if-match': etagOf(revision) }),
      // Of a version there are none.
      ...(store.settings.deleteSnapshots && version === undefined ? { 'x-ms-delete-snapshots': 'include' } : {}),
    },
  };
}

async function deleteOne(store: StoreConnection, item: DeleteItem, o: Call): Promise<void> {
  const { key, if: revision, version } = item;
  const context = store.context('delete', key, revision === undefined ? {} : { condition: 'revision' });
  try {
    await store.done({ ...o, method: 'DELETE', key, ...requestOf(store, item), right: version === undefined ? 'delete' : 'delete-version', context });
  } catch (error) {
    if (!isStorageError(error, 'NotFound') || revision !== undefined) throw error;
  }
}

/** https://learn.microsoft.com/en-us/rest/api/storageservices/blob-batch. Undefined where the whole of it was refused, and nothing done. */
async function deleteTogether(store: StoreConnection, items: readonly DeleteItem[], o: Call): Promise<DeleteOutcome[] | undefined> {
  const boundary = `batch_${randomUUID()}`;
  const parts: string[] = [];
  for (const [index, item] of items.entries()) parts.push(await subrequest(store, item, index, boundary, o.signal));
  const body = Buffer.from(`${parts.join('')}--${boundary}--\r\n`);
  const context = store.context('delete');
  const headers = { 'content-type': `multipart/mixed; boundary=${boundary}` };
  let answer: Awaited<ReturnType<StoreConnection['text']>>;
  try {
    answer = await store.text({ ...o, method: 'POST', query: { restype: 'container', comp: 'batch' }, headers, body, right: 'delete', context });
  } catch (error) {
    if (isStorageError(error) && isOfBatch(error, items)) return undefined;
    throw error;
  }
  return outcomesIn(store, items, answer.text, headerOf(answer.headers, 'content-type') ?? '');
}

/** Whether the single requests may fare better. A failure of the server leaves open what was deleted, which matters where conditions are. */
function isOfBatch({ code, status }: StorageError, items: readonly DeleteItem[]): boolean {
  if (code === 'AccessDenied' || code === 'Unsupported' || code === 'InvalidArgument') return true;
  return status === 500 && items.every((item) => item.if === undefined);
}

async function subrequest(store: StoreConnection, item: DeleteItem, index: number, boundary: string, signal: AbortSignal | undefined): Promise<string> {
  const { signIn } = store.settings;
  signIn.check(item.version === undefined ? 'delete' : 'delete-version');
  const path = store.path(item.key);
  const request: UnsignedRequest = { method: 'DELETE', path, ...requestOf(store, item), length: 0 };
  await signIn.sign(request, signal);
  const headers = Object.entries({ ...request.headers, 'content-length': '0' }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `--${boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: ${index}\r\n\r\nDELETE ${path}${encodedQuery(request.query)} HTTP/1.1\r\n${headers.join('')}\r\n\r\n`;
}

/** Every item has an answer by its number; one that has none is not known to be deleted. */
function outcomesIn(store: StoreConnection, items: readonly DeleteItem[], text: string, contentType: string): DeleteOutcome[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? '';
  const answers = new Map<number, string>();
  for (const part of boundary === '' ? [] : text.split(`--${boundary}`)) {
    const id = /^content-id:\s*(\d+)\s*$/im.exec(part)?.[1];
    if (id !== undefined) answers.set(Number(id), part);
  }
  return items.map((item, index) => {
    const error = refusalIn(store, item, answers.get(index));
    return error === undefined ? { key: item.key, ok: true } : { key: item.key, ok: false, error };
  });
}

function refusalIn(store: StoreConnection, { key, if: revision }: DeleteItem, part: string | undefined): StorageError | undefined {
  const context = store.context('delete', key, revision === undefined ? {} : { condition: 'revision' });
  const status = Number(/^HTTP\/1\.1 (\d{3})/m.exec(part ?? '')?.[1]);
  if (part === undefined || !(status >= 200)) return serviceError({ status: 500, code: '', message: 'the answer to a batch lacks this item' }, context);
  if (status < 300) return undefined;
  const header = (name: string): string | undefined => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'im').exec(part)?.[1];
  const document = errorDocument(Buffer.from(part.slice(Math.max(0, part.search(/<\?xml|<Error/)))));
  const error = serviceError(
    {
      status,
      code: header('x-ms-error-code') ?? document?.code ?? '',
      message: document?.message ?? '',
      detail: document?.detail,
      requestId: header('x-ms-request-id'),
      retryAfter: header('retry-after'),
      date: header('date'),
    },
    context,
  );
  return error.code === 'NotFound' && revision === undefined ? undefined : error;
}
