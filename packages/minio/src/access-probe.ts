import { randomUUID } from 'node:crypto';
import { type AccessReport, type Call, isStorageError, type Permission } from '@stowage/core';
import type { UploadHost } from './minio-upload.ts';

type Finding = AccessReport[Permission];

/** MD5 of no content that is sent here: the store refuses the write behind the look at permissions. */
const WRONG_MD5 = 'AAAAAAAAAAAAAAAAAAAAAA==';

/**
 * Asks for each permission with a request that changes nothing, and says what was answered. A failure that is no refusal (network,
 * wrong keys, missing bucket) is thrown.
 */
export async function probeAccess(host: UploadHost, conditionalDelete: boolean, o: Call): Promise<AccessReport> {
  const call: Call = o.signal === undefined ? {} : { signal: o.signal };
  const key = `.stowage-probe-${randomUUID()}`;
  let seen: string | undefined;
  const list = await finding(async () => {
    seen = (await host.calls.list({ ...call, limit: 1 })).objects[0]?.key;
  });
  return {
    list,
    read: await probeRead(host, seen ?? key, list, call),
    write: await probeWrite(host, key, call),
    delete: await probeDelete(host, key, conditionalDelete, call),
    'list-uploads': await finding(async () => {
      const context = host.store.context('listUploads');
      await host.sdk.call(context, call, (client, sdk, send) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket: host.store.bucket, MaxUploads: 1 }), send),
      );
    }),
  };
}

async function finding(work: () => Promise<unknown>): Promise<Finding> {
  try {
    await work();
    return 'granted';
  } catch (error) {
    if (isStorageError(error, 'AccessDenied')) return 'denied';
    throw error;
  }
}

/** Without the right to list, AWS answers 403 for a missing object whoever asks: then nothing is learnt. */
async function probeRead(host: UploadHost, key: string, list: Finding, call: Call): Promise<Finding> {
  const read = await finding(async () => {
    try {
      await (await host.calls.get(key, { ...call, range: { start: 0, end: 1 }, verify: false })).close();
    } catch (error) {
      if (!isStorageError(error, 'NotFound') && !isStorageError(error, 'InvalidRange')) throw error;
    }
  });
  return read === 'denied' && list !== 'granted' ? 'not-probed' : read;
}

/** A put whose MD5 is wrong: refused for that only where it is allowed at all. */
async function probeWrite(host: UploadHost, key: string, call: Call): Promise<Finding> {
  return await finding(async () => {
    try {
      await host.calls.put(key, Buffer.from('probe'), { ...call, headers: {}, md5: WRONG_MD5 });
    } catch (error) {
      if (!isStorageError(error, 'ChecksumMismatch') && !isStorageError(error, 'InvalidArgument')) throw error;
      return;
    }
    // A store that does not compare has written it.
    const context = host.store.context('delete', key);
    await host.sdk.call(context, call, (client, sdk, send) => client.send(new sdk.DeleteObjectCommand({ Bucket: host.store.bucket, Key: key }), send));
  });
}

/** Deletes what is not there. Where versions are kept that would leave a marker: then only under a condition that cannot hold, or not at all. */
async function probeDelete(host: UploadHost, key: string, conditionalDelete: boolean, call: Call): Promise<Finding> {
  const { bucket } = host.store;
  let versioned = true;
  try {
    const { Status } = await host.sdk.call(host.store.context('checkAccess'), call, (client, sdk, send) =>
      client.send(new sdk.GetBucketVersioningCommand({ Bucket: bucket }), send),
    );
    versioned = Status !== undefined;
  } catch (error) {
    if (!isStorageError(error)) throw error;
    if (error.code !== 'AccessDenied' && error.code !== 'Unsupported') throw error;
  }
  if (versioned && !conditionalDelete) return 'not-probed';
  return await finding(async () => {
    const input = { Bucket: bucket, Key: key, ...(conditionalDelete ? { IfMatch: '"00000000000000000000000000000000"' } : {}) };
    try {
      await host.sdk.call(host.store.context('delete', key, { condition: 'revision' }), call, (client, sdk, send) =>
        client.send(new sdk.DeleteObjectCommand(input), send),
      );
    } catch (error) {
      if (!isStorageError(error, 'NotFound') && !isStorageError(error, 'PreconditionFailed')) throw error;
    }
  });
}
