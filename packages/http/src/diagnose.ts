import { type AccessReport, type Call, type Diagnosis, type DiagnosisFact, isStorageError, type ObjectInfo, type StorageError } from '@stowage/core';
import { httpDriver } from './http-driver.ts';
import type { HttpOptions } from './http-options.ts';

const ACCESS: AccessReport = { list: 'not-probed', read: 'granted', write: 'not-probed', delete: 'not-probed', 'list-uploads': 'not-probed' };

/** Looks at one public link: whether the guard lets it pass and the server gives it. Rejects only for an abort. */
export async function diagnose(options: HttpOptions, url: string, call: Call): Promise<Diagnosis> {
  const driver = httpDriver(options);
  let found: ObjectInfo | undefined;
  let problem: StorageError | undefined;
  try {
    found = await driver.head(url, call);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    problem = error;
  } finally {
    await driver.close();
  }
  const origin = URL.parse(url)?.origin;
  return {
    provider: 'http',
    // A query may hold a signature.
    bucket: url.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)[^/]*@/i, '$1'),
    ...(origin === undefined ? {} : { endpoint: origin }),
    healthy: problem === undefined,
    ...(problem === undefined ? {} : { problem }),
    ...(found === undefined ? {} : { access: ACCESS }),
    missing: [],
    facts: found === undefined ? [] : factsOf(found),
    advice:
      found !== undefined && found.revision.etag === undefined
        ? ['the server tells neither tag nor time: a read that breaks off begins anew, and two reads may meet two contents']
        : [],
  };
}

function factsOf({ size, headers = {}, lastModified, revision }: ObjectInfo): DiagnosisFact[] {
  return [
    { name: 'size', value: `${size} bytes` },
    ...(headers.contentType === undefined ? [] : [{ name: 'type', value: headers.contentType }]),
    ...(lastModified.getTime() === 0 ? [] : [{ name: 'modified', value: lastModified.toISOString() }]),
    { name: 'revision', value: revision.etag === undefined ? 'none' : 'told' },
  ];
}
