import type { BucketDriver } from '@stowage/core';

/** Every call of a driver that asks the store; each rejects where it is refused. */
export function driverCalls(driver: BucketDriver): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    head: () => driver.head('k', {}),
    get: () => driver.get('k', {}),
    put: () => driver.put('k', Buffer.from('x'), {}),
    list: () => first(driver.list({})),
    upload: () => driver.startUpload('k', {}),
    resume: () => driver.resumeUpload({ key: 'k', id: 'u' }, {}),
    uploads: () => first(driver.listUploads({})),
    copy: async () => refusal(await driver.copyMany([{ from: driver.copySource('k'), to: 'l' }], {})),
    delete: async () => refusal(await driver.deleteMany([{ key: 'k' }], {})),
    deleteMany: async () => refusal(await driver.deleteMany([{ key: 'k' }, { key: 'l' }], {})),
    headers: () => driver.setHeaders('k', { contentType: 'text/plain' }, {}),
    access: () => driver.checkAccess({}),
  };
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

function refusal([outcome]: readonly ({ readonly ok: true } | { readonly ok: false; readonly error: unknown })[]): void {
  if (outcome?.ok === false) throw outcome.error;
}
