import { type BucketDriver, type Capabilities, type DeleteOutcome, delegate, type Layer, type ListPage, StorageError, type Upload } from '@stowage/core';

/** A store that can do little: what it lacks must be refused, and what the contract says of little stores must hold. */
export function poorCapabilities(inner: Capabilities): Capabilities {
  return {
    ...inner,
    put: { absent: false, match: false, conditionalMultipart: false },
    deleteIf: false,
    copyIf: false,
    setHeaders: false,
    copy: 'none',
    list: { order: 'none', startAfter: false, until: false, delimiter: '/', maxPage: 100 },
    multipart: { minPart: 100_000, maxPart: 10_000_000, maxParts: 1000, equalParts: true, abort: 'expires' },
    deleteBatch: 1,
    tags: false,
    metadata: false,
    keys: { maxBytes: 500, maxSegmentBytes: 255, nested: false, caseSensitive: false },
    lastModified: { set: false, precisionMs: 1000 },
  };
}

/** The memory driver as such a store. */
export const poorLayer: Layer = (inner) => {
  const keys = keysOf(inner);
  const assertPlace = (key: string): void => {
    for (const held of keys) {
      if (held === key || !(held.toLowerCase() === key.toLowerCase() || held.startsWith(`${key}/`) || key.startsWith(`${held}/`))) continue;
      throw new StorageError('KeyConflict', `cannot lie beside ${JSON.stringify(held)}`, { key });
    }
  };
  return delegate(inner, {
    capabilities: poorCapabilities(inner.capabilities),
    checkKey(key): string | undefined {
      if (key.endsWith('/') || key.startsWith('/') || key.includes('//')) return 'it has an empty name between slashes';
      if (Buffer.byteLength(key) > 500) return 'it is longer than 500 bytes';
      return key.split('/').some((segment) => Buffer.byteLength(segment) > 255) ? 'a name in it is longer than 255 bytes' : undefined;
    },
    async put(key, body, o): ReturnType<typeof inner.put> {
      assertPlace(key);
      const info = await inner.put(key, body, o);
      keys.add(key);
      return info;
    },
    async startUpload(key, o): Promise<Upload> {
      assertPlace(key);
      const upload = await inner.startUpload(key, o);
      return {
        ...upload,
        async complete(parts, options): ReturnType<Upload['complete']> {
          const [first, ...rest] = parts.map(({ size }) => size);
          const whole = rest.slice(0, -1);
          if (first !== undefined && rest.length > 0 && (first < 100_000 || whole.some((size) => size !== first)))
            throw new StorageError('InvalidArgument', 'all parts but the last must have one size, 100,000 bytes or more', { key });
          const info = await upload.complete(parts, options);
          keys.add(key);
          return info;
        },
      };
    },
    async deleteMany(items, o): Promise<readonly DeleteOutcome[]> {
      if (items.length > 1) throw new StorageError('InvalidArgument', 'one at a time');
      for (const { key } of items) keys.delete(key);
      return inner.deleteMany(items, o);
    },
    async *list(o): AsyncIterable<ListPage> {
      // In no order: each page backwards.
      for await (const page of inner.list({ ...o, limit: Math.min(o.limit ?? 100, 100) }))
        yield { ...page, objects: page.objects.toReversed(), prefixes: page.prefixes.toReversed() };
    },
    canCopyFrom: () => false,
  });
};

/** The keys of each store, whoever opened it. */
const KEYS = new WeakMap<BucketDriver, Set<string>>();

function keysOf(inner: BucketDriver): Set<string> {
  const store = inner.copySource('x').driver;
  const keys = KEYS.get(store) ?? new Set();
  KEYS.set(store, keys);
  return keys;
}
