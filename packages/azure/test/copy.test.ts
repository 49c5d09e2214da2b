import { randomBytes } from 'node:crypto';
import { type Bucket, isStorageError, openBucket, type StorageError } from '@stowage/core';
import { serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { AzureDriver } from '../src/azure-driver.ts';
import type { AzureOptions } from '../src/azure-options.ts';
import { makeContainer } from './azurite-harness.ts';
import { containerSas } from './test-sas.ts';

const KIB = 1024;
/** As for blobs above 256 MiB, with little content. */
const SMALL = { maxSingle: 100 * KIB, partSize: 64 * KIB, concurrency: 3 };

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('copies on Azurite', ({ skip }) => skip(missing));
else {
  const { account, secondAccount } = server;
  afterAll(() => server.stop(), 60_000);
  const mine: AzureOptions = { endpoint: server.endpoint, signIn: { kind: 'account-key', account: account.name, key: account.key } };
  const theirs: AzureOptions = {
    endpoint: `${server.origin}/${secondAccount.name}`,
    signIn: { kind: 'account-key', account: secondAccount.name, key: secondAccount.key },
  };
  const open = (options: AzureOptions, container: string): Bucket => openBucket(new AzureDriver(options, container, SMALL));
  const headers = { contentType: 'text/x-copied', cacheControl: 'no-store', metadata: { a: 'b  c' }, tags: { t: 'v' } };
  const failure = async (work: Promise<unknown>): Promise<StorageError> => {
    const error: unknown = await work.then(
      () => new Error('it succeeded'),
      (thrown: unknown) => thrown,
    );
    if (!isStorageError(error)) throw error;
    return error;
  };

  describe('a blob above the limit of one request', () => {
    it('is copied block by block, with all its headers, and new ones where they are given', async () => {
      const bucket = open(mine, await makeContainer(server));
      const content = randomBytes(300 * KIB + 7);
      await bucket.put('large', content, headers);
      expect(await bucket.copy('large', 'kept')).toMatchObject({ size: content.byteLength });
      expect(content.equals(await (await bucket.get('kept')).bytes())).toBe(true);
      expect((await bucket.head('kept')).headers).toMatchObject(headers);
      await bucket.copy('large', 'changed', { headers: { contentType: 'text/x-new' } });
      expect((await bucket.head('changed')).headers).toEqual({ contentType: 'text/x-new' });
      expect(content.equals(await (await bucket.get('changed')).bytes())).toBe(true);
    });

    it('keeps to its conditions on both sides', async () => {
      const bucket = open(mine, await makeContainer(server));
      await bucket.put('large', randomBytes(200 * KIB));
      await bucket.put('held', 'held');
      expect(await failure(bucket.copy('large', 'held', { if: 'absent' }))).toMatchObject({ code: 'AlreadyExists' });
      expect(await failure(bucket.copy('large', 'new', { sourceIf: { etag: '"0x1"' } }))).toMatchObject({ code: 'PreconditionFailed' });
      expect(await (await bucket.get('held')).text()).toBe('held');
      expect(await bucket.exists('new')).toBe(false);
    });
  });

  it('a container that is signed in to in another way is copied from with its own sign-in', async () => {
    const from = await makeContainer(server);
    await open(mine, from).put('a', 'content', headers);
    const reading = open({ endpoint: server.endpoint, signIn: { kind: 'sas', token: containerSas(account, from, { letters: 'rt' }) } }, from);
    const to = open(mine, await makeContainer(server));
    expect(to.canCopyFrom(reading)).toBe(true);
    await to.copy({ bucket: reading, key: 'a' }, 'b');
    expect((await to.head('b')).headers).toMatchObject(headers);
  });

  describe('from another store', () => {
    it('is not offered unless it was asked for, as the service must be able to reach it', async () => {
      const from = open(theirs, 'any-name');
      expect(open(mine, 'any-name').canCopyFrom(from)).toBe(false);
      expect(open({ ...mine, copyFromUrls: true }, 'any-name').canCopyFrom(from)).toBe(true);
      const unsigned = open({ ...theirs, signIn: { kind: 'sas', token: containerSas(secondAccount, 'any-name', { letters: 'r' }) } }, 'any-name');
      expect(open({ ...mine, copyFromUrls: true }, 'any-name').canCopyFrom(unsigned)).toBe(false);
    });

    it('goes from server to server by presigned URL, with its headers', async () => {
      const name = await makeContainer({ ...server, endpoint: theirs.endpoint, account: secondAccount });
      const from = open(theirs, name);
      const to = open({ ...mine, copyFromUrls: true }, await makeContainer(server));
      const content = randomBytes(200 * KIB + 1);
      await from.put('odd key %2F+é', content, headers);
      const info = await to.copy({ bucket: from, key: 'odd key %2F+é' }, 'copied', { if: 'absent' });
      expect(info.size).toBe(content.byteLength);
      expect(content.equals(await (await to.get('copied')).bytes())).toBe(true);
      expect((await to.head('copied')).headers).toMatchObject(headers);
      expect(await failure(to.copy({ bucket: from, key: 'odd key %2F+é' }, 'copied', { if: 'absent' }))).toMatchObject({ code: 'AlreadyExists' });
      expect(await failure(to.copy({ bucket: from, key: 'absent' }, 'none'))).toMatchObject({ code: 'NotFound' });
    });

    it('makes nothing of a source that was written while it was copied', async () => {
      const name = await makeContainer({ ...server, endpoint: theirs.endpoint, account: secondAccount });
      const from = open(theirs, name);
      const to = open({ ...mine, copyFromUrls: true }, await makeContainer(server));
      await from.put('a', 'old');
      const source = from.driver.copySource('a').driver as AzureDriver;
      const head = source.head.bind(source);
      let looks = 0;
      source.head = async (key, o) => {
        if (++looks === 2) await from.put('a', 'new');
        return await head(key, o);
      };
      expect(await failure(to.copy({ bucket: from, key: 'a' }, 'b'))).toMatchObject({ code: 'PreconditionFailed' });
      expect(await to.exists('b')).toBe(false);
    });
  });

  it("new headers of a blob keep its content and MD5, and mix with nobody else's", async () => {
    const bucket = open(mine, await makeContainer(server));
    const { checksums } = await bucket.put('a', 'content', headers);
    expect(checksums.md5).toBeDefined();
    await bucket.setHeaders('a', { contentType: 'text/x-new', storageClass: 'Cool' });
    const info = await bucket.head('a');
    expect(info.headers).toEqual({ contentType: 'text/x-new', storageClass: 'Cool' });
    expect(info.checksums).toEqual(checksums);
    const outcomes = await Promise.allSettled(['one', 'two'].map(async (name) => bucket.setHeaders('a', { contentType: `text/${name}`, metadata: { name } })));
    expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true);
    const { headers: left } = await bucket.head('a');
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'PreconditionFailed' });
    if (lost.length === 0) expect(left?.contentType).toBe(`text/${left?.metadata?.['name'] ?? ''}`);
  });
}
