import { randomUUID } from 'node:crypto';
import { type AccessReport, type Call, isStorageError, type Permission } from '@stowage/core';
import { pick } from './pick.ts';
import type { StoreConnection } from './wire/store-connection.ts';
import { scanListing } from './xml/listing.ts';

type Finding = AccessReport[Permission];

/** No blob has it, so a request that is bound to it changes nothing wherever it is allowed. */
const NO_ETAG = '"0x0000000000000AA"';
/** MD5 of no content that is sent here. */
const WRONG_MD5 = 'AAAAAAAAAAAAAAAAAAAAAA==';

/**
 * Asks for each permission with a request that changes nothing, and says what was answered. A failure that is no refusal (network,
 * wrong key, missing container) is thrown. Azure judges permissions before it looks whether a blob is there.
 */
export async function probeAccess(store: StoreConnection, { signal }: Call): Promise<AccessReport> {
  const call: Call = pick('signal', signal);
  const key = `.stowage-probe-${randomUUID()}`;
  let seen: string | undefined;
  const listed = (operation: string, more: Record<string, string>): Promise<Finding> =>
    finding(async () => {
      const query = { restype: 'container', comp: 'list', maxresults: '1', ...more };
      const { text } = await store.text({ ...call, method: 'GET', query, right: 'list', context: store.context(operation) });
      seen ??= scanListing(text).entries[0]?.key;
    }, []);
  const list = await listed('list', {});
  return {
    list,
    read: await finding(() => store.done({ ...call, method: 'HEAD', key: seen ?? key, right: 'read', context: store.context('head', key) }), ['NotFound']),
    write: await finding(
      () =>
        store.done({
          ...call,
          method: 'PUT',
          key,
          headers: { 'x-ms-blob-type': 'BlockBlob', 'content-md5': WRONG_MD5, 'if-match': NO_ETAG },
          body: Buffer.from('probe'),
          right: 'write',
          context: store.context('put', key),
        }),
      ['PreconditionFailed', 'ChecksumMismatch', 'NotFound'],
    ),
    delete: await finding(
      () => store.done({ ...call, method: 'DELETE', key, headers: { 'if-match': NO_ETAG }, right: 'delete', context: store.context('delete', key) }),
      ['PreconditionFailed', 'NotFound'],
    ),
    'list-uploads': await listed('listUploads', { include: 'uncommittedblobs' }),
  };
}

/** `allowed`: how a request that was allowed is answered here. */
async function finding(work: () => Promise<unknown>, allowed: readonly string[]): Promise<Finding> {
  try {
    await work();
    return 'granted';
  } catch (error) {
    if (!isStorageError(error)) throw error;
    if (error.code === 'AccessDenied') return 'denied';
    if (allowed.includes(error.code)) return 'granted';
    throw error;
  }
}
