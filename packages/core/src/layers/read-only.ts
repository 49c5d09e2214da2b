import type { Capabilities } from '../capabilities.ts';
import type { BucketDriver, Layer } from '../driver.ts';
import { StorageError } from '../storage-error.ts';
import { delegate } from './delegate.ts';

/** Refuses every write with `Unsupported`, before any request, and says so in the capabilities. */
export function readOnlyLayer(): Layer {
  return (inner) => {
    const refuse = (operation: string, key?: string): Promise<never> => Promise.reject(readOnly(inner, operation, key));
    return delegate(inner, {
      capabilities: readOnlyCapabilities(inner.capabilities),
      put: (key) => refuse('put', key),
      startUpload: (key) => refuse('startUpload', key),
      resumeUpload: (ref) => refuse('resumeUpload', ref.key),
      deleteMany: (items) => refuse('delete', items[0]?.key),
      copyMany: (items) => refuse('copy', items[0]?.to),
      canCopyFrom: () => false,
      setHeaders: (key) => refuse('setHeaders', key),
      presign: (key, o) => (o.method === 'GET' || o.method === 'HEAD' ? inner.presign(key, o) : refuse('presign', key)),
    });
  };
}

function readOnly({ provider, bucket }: BucketDriver, operation: string, key: string | undefined): StorageError {
  const where = { operation, provider, bucket, ...(key === undefined ? {} : { key }) };
  return new StorageError('Unsupported', `${operation}: the bucket ${JSON.stringify(bucket)} was opened for reading only`, where);
}

/** What is left of a store's capabilities when nothing may be written. */
export function readOnlyCapabilities(inner: Capabilities): Capabilities {
  return {
    ...inner,
    put: { absent: false, match: false, conditionalMultipart: false },
    deleteIf: false,
    copyIf: false,
    setHeaders: false,
    copy: 'none',
    presign: inner.presign.filter((method) => method === 'GET' || method === 'HEAD'),
    lastModified: { ...inner.lastModified, set: false },
    readOnly: true,
  };
}
