import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerClient } from '@azure/storage-blob';
import { type Bucket, openBucket, type UploadRef } from '@stowage/core';
import { faultServer, type Misbehave, pass, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import { makeContainer } from './azurite-harness.ts';
import { KEY, LANES, PARTS, wholeHash } from './children/upload-content.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

/** Parts that the store has taken when the first process is killed. */
const KILLED_AFTER = 9;
const KIB = 1024;

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('uploads', ({ skip }) => skip(missing));
else {
  const { account } = server;
  afterAll(() => server.stop(), 60_000);
  const signIn = { kind: 'account-key' as const, account: account.name, key: account.key };
  const open = (container: string, endpoint: string = server.endpoint): Bucket => openBucket(azureDriver({ endpoint, signIn, partSize: 64 * KIB }, container));
  const newBucket = async (): Promise<Bucket> => open(await makeContainer(server));
  const unfinished = async (bucket: Bucket, prefix = ''): Promise<UploadRef[]> => await Array.fromAsync(bucket.listUploads({ prefix }));

  describe('an upload that is killed', () => {
    const uploader = (endpoint: string, container: string, folder: string): ChildProcess =>
      spawn(process.execPath, ['--conditions=@stowage/source', join(import.meta.dirname, 'children/uploader.ts'), endpoint, container, join(folder, 'ref')], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'], ACCOUNT: account.name, ACCOUNT_KEY: account.key },
      });
    const ended = (child: ChildProcess): Promise<{ code: number | null; signal: string | null; said: string }> => {
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, said })));
    };

    it('goes on in another process, which sends again at most the parts that were on their way', async () => {
      const bucket = await newBucket();
      const folder = await mkdtemp(join(tmpdir(), 'stowage-resume-'));
      try {
        const begun: number[] = [];
        let taken = 0;
        const running: ChildProcess[] = [];
        await using counting = await faultServer((incoming, answer) => {
          const id = /[?&]blockid=([^&]+)/.exec(incoming.url ?? '')?.[1];
          if (incoming.method !== 'PUT' || id === undefined) return false;
          const index = Buffer.from(decodeURIComponent(id), 'base64').readUInt32BE(20);
          if (index >= PARTS) return false;
          begun.push(index);
          pass(incoming, answer, server.origin, () => {
            if (++taken === KILLED_AFTER) running[0]?.kill('SIGKILL');
            return false;
          });
          return true;
        }, server.origin);
        const child = uploader(`${counting.endpoint}/${account.name}`, bucket.name, folder);
        running.push(child);
        expect(await ended(child)).toMatchObject({ code: null, signal: 'SIGKILL' });
        expect(begun.length).toBeLessThan(PARTS);
        expect(await bucket.exists(KEY)).toBe(false);
        expect((await unfinished(bucket)).map(({ key }) => key)).toEqual([KEY]);

        const { code, said } = await ended(uploader(server.endpoint, bucket.name, folder));
        expect(code).toBe(0);
        const sent = JSON.parse(said) as number[];
        expect(sent.length).toBeLessThanOrEqual(PARTS - KILLED_AFTER);
        expect(sent.filter((index) => begun.includes(index)).length).toBeLessThanOrEqual(LANES);
        expect(new Set([...begun, ...sent]).size).toBe(PARTS);

        const object = await bucket.get(KEY);
        expect(object.info.headers).toMatchObject({ contentType: 'video/x-test', metadata: { made: 'in blocks' } });
        expect(
          createHash('sha256')
            .update(await object.bytes())
            .digest('hex'),
        ).toBe(wholeHash());
        expect(await unfinished(bucket)).toEqual([]);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });

  describe('unfinished uploads', () => {
    it('are listed by prefix with the time of their beginning, and go on from what was listed', async () => {
      const bucket = await newBucket();
      const before = Date.now();
      for (const key of ['left/a', 'left/b', 'other/a']) {
        const upload = await bucket.upload(key);
        await upload.part(0, Buffer.from('first'));
        upload.detach();
      }
      expect((await unfinished(bucket)).map(({ key }) => key)).toEqual(['left/a', 'left/b', 'other/a']);
      const [left] = await unfinished(bucket, 'left/');
      expect(left?.key).toBe('left/a');
      expect(Date.parse(left?.startedAt ?? '')).toBeGreaterThanOrEqual(before);
      const upload = await bucket.resumeUpload(left as UploadRef);
      await upload.complete(await upload.parts());
      expect(await (await bucket.get('left/a')).text()).toBe('first');
    });

    it('are no more once they were aborted, though the service keeps their blocks for a week', async () => {
      const bucket = await newBucket();
      const upload = await bucket.upload('gone');
      await upload.part(0, Buffer.from('x'));
      await upload.abort();
      await upload.abort();
      expect(await unfinished(bucket)).toEqual([]);
      await expect(bucket.resumeUpload(upload.ref)).rejects.toMatchObject({ code: 'NotFound' });
      await expect(upload.part(1, Buffer.from('y'))).rejects.toMatchObject({ code: 'NotFound' });
      expect(await bucket.exists('gone')).toBe(false);
    });

    it('of other programs are listed and cannot be gone on with; a write of the same key says that they are in its way', async () => {
      const bucket = await newBucket();
      const client = (await bucket.native()) as ContainerClient;
      await client.getBlockBlobClient('theirs').stageBlock(Buffer.from('theirs-1').toString('base64'), 'abc', 3);
      const refs = await unfinished(bucket);
      expect(refs).toMatchObject([{ key: 'theirs' }]);
      await expect(bucket.resumeUpload(refs[0] as UploadRef)).rejects.toMatchObject({ code: 'NotFound', message: expect.stringContaining('another program') });
      await expect(bucket.put('theirs', randomBytes(200 * KIB))).rejects.toMatchObject({
        code: 'InvalidArgument',
        message: expect.stringContaining('another program'),
      });
      await bucket.put('theirs', 'in one request');
      expect(await (await bucket.get('theirs')).text()).toBe('in one request');
    });

    it('keep the blob at their key as it is until they are completed', async () => {
      const bucket = await newBucket();
      await bucket.put('held', 'old', { contentType: 'text/x-old' });
      const upload = await bucket.upload('held', { contentType: 'text/x-new' });
      const part = await upload.part(0, Buffer.from('new'));
      expect(await (await bucket.get('held')).text()).toBe('old');
      await upload.complete([part]);
      expect(await (await bucket.get('held')).text()).toBe('new');
      expect((await bucket.head('held')).headers?.contentType).toBe('text/x-new');
    });

    it('whose reference was changed by hand are not found', async () => {
      const bucket = await newBucket();
      for (const id of ['', 'x', `${'0'.repeat(32)}.e30x.x`, `${'0'.repeat(32)}.!`, `${'0'.repeat(32)}.bm90IGpzb24`])
        await expect(bucket.resumeUpload({ key: 'k', id })).rejects.toMatchObject({ code: 'NotFound' });
    });
  });

  it('a SAS that may write and not read goes on with an upload, which nobody can look at', async () => {
    const bucket = await newBucket();
    const upload = await bucket.upload('written');
    await upload.part(0, Buffer.from('by two'));
    const ref = upload.detach();
    const token = containerSas(account, bucket.name, { letters: 'w' });
    const writer = openBucket(azureDriver({ endpoint: server.endpoint, signIn: { kind: 'sas', token } }, bucket.name));
    const other = await writer.resumeUpload(ref);
    await other.complete([{ index: 0, size: 6, token: Buffer.concat([Buffer.from('STWG'), Buffer.from(ref.id, 'hex'), Buffer.alloc(4)]).toString('base64') }]);
    expect(await (await bucket.get('written')).text()).toBe('by two');
  });

  describe('a completion whose answer is lost', () => {
    const once = (misbehave: Misbehave): Misbehave => {
      let done = false;
      return (incoming, answer) => {
        if (done || incoming.url?.includes('comp=blocklist') !== true || incoming.method !== 'PUT') return false;
        done = true;
        return misbehave(incoming, answer);
      };
    };

    it.each(['500', 'reset'])('(%s) and that worked is found to have worked, with the revision of the blob', async (how) => {
      const bucket = await newBucket();
      await using faults = await faultServer(
        once((incoming, answer) => {
          pass(incoming, answer, server.origin, (response) => {
            response.resume().once('end', () => (how === '500' ? xmlError(answer, 500, 'InternalError') : answer.destroy()));
            return true;
          });
          return true;
        }),
        server.origin,
      );
      const content = randomBytes(200 * KIB);
      const info = await open(bucket.name, `${faults.endpoint}/${account.name}`).put('lost', content, { if: 'absent' });
      expect(info.revision.etag).toBe((await bucket.head('lost')).revision.etag);
      expect(content.equals(await (await bucket.get('lost')).bytes())).toBe(true);
    });

    it('and that did not work is a failure', async () => {
      const bucket = await newBucket();
      await using faults = await faultServer(
        once((incoming, answer) => {
          incoming.resume();
          return xmlError(answer, 500, 'InternalError');
        }),
        server.origin,
      );
      await expect(open(bucket.name, `${faults.endpoint}/${account.name}`).put('not-there', randomBytes(200 * KIB))).rejects.toMatchObject({
        code: 'Unavailable',
      });
      expect(await bucket.exists('not-there')).toBe(false);
    });
  });

  it('a write whose blocks another write dropped says so, and may be repeated', async () => {
    const bucket = await newBucket();
    const halting = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    async function* slow(): AsyncIterable<Uint8Array> {
      yield randomBytes(200 * KIB);
      reached.resolve();
      await halting.promise;
      yield randomBytes(10);
    }
    const losing = bucket.put('raced', slow());
    await reached.promise;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await bucket.put('raced', randomBytes(150 * KIB));
    halting.resolve();
    const outcome = await losing.then(
      () => 'written',
      (error: unknown) => error,
    );
    // The last blocks may have come behind the other's end, which leaves these alone.
    if (outcome !== 'written') expect(outcome).toMatchObject({ code: 'Unavailable', retryable: true });
    expect([150 * KIB, 200 * KIB + 10]).toContain((await bucket.head('raced')).size);
  });

  it('a part that is throttled or reset is sent again, and the stream is whole', async () => {
    const bucket = await newBucket();
    let faultsLeft = 3;
    await using faults = await faultServer((incoming, answer) => {
      if (incoming.method !== 'PUT' || incoming.url?.includes('comp=block&') !== true || faultsLeft <= 0) return false;
      faultsLeft--;
      if (faultsLeft === 1) {
        answer.destroy();
        return true;
      }
      return new Promise((resolve) => incoming.once('end', () => resolve(xmlError(answer, 503, 'ServerBusy'))).resume());
    }, server.origin);
    const content = randomBytes(500 * KIB + 17);
    async function* stream(): AsyncIterable<Uint8Array> {
      for (let at = 0; at < content.byteLength; at += 70_001) yield content.subarray(at, at + 70_001);
    }
    const info = await open(bucket.name, `${faults.endpoint}/${account.name}`).put('streamed', stream());
    expect(faultsLeft).toBe(0);
    expect(info.size).toBe(content.byteLength);
    expect(content.equals(await (await bucket.get('streamed')).bytes())).toBe(true);
  });
}
