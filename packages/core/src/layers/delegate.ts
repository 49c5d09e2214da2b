import type { BucketDriver } from '../driver.ts';

/** A driver that passes everything on to another, but for what is overridden: the ground of every layer. */
export function delegate(inner: BucketDriver, overrides: Partial<BucketDriver>): BucketDriver {
  return {
    provider: inner.provider,
    bucket: inner.bucket,
    capabilities: inner.capabilities,
    checkKey: (key) => inner.checkKey(key),
    head: (key, o) => inner.head(key, o),
    get: (key, o) => inner.get(key, o),
    put: (key, body, o) => inner.put(key, body, o),
    startUpload: (key, o) => inner.startUpload(key, o),
    resumeUpload: (ref, o) => inner.resumeUpload(ref, o),
    listUploads: (o) => inner.listUploads(o),
    deleteMany: (items, o) => inner.deleteMany(items, o),
    list: (o) => inner.list(o),
    copyMany: (items, o) => inner.copyMany(items, o),
    canCopyFrom: (other) => inner.canCopyFrom(other),
    copySource: (key) => inner.copySource(key),
    setHeaders: (key, headers, o) => inner.setHeaders(key, headers, o),
    presign: (key, o) => inner.presign(key, o),
    checkAccess: (o) => inner.checkAccess(o),
    native: () => inner.native(),
    close: () => inner.close(),
    ...overrides,
  };
}
