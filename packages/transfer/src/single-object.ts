import { type BucketDriver, delegate, isStorageError, type Layer, type ListPage } from '@stowage/core';

/** Shows a bucket as if it held one key at most: a mirror between two such views copies one object, with all the rules of a mirror. */
export function singleObjectLayer(key: string): Layer {
  return (inner) => delegate(inner, { list: (o) => listOne(inner, key, o) });
}

async function* listOne(
  inner: BucketDriver,
  key: string,
  { signal, timeoutMs }: Parameters<BucketDriver['list']>[0],
): AsyncGenerator<ListPage, void, undefined> {
  try {
    const info = await inner.head(key, { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    yield { objects: [info], prefixes: [], issues: [] };
  } catch (error) {
    if (!isStorageError(error, 'NotFound')) throw error;
    yield { objects: [], prefixes: [], issues: [] };
  }
}
