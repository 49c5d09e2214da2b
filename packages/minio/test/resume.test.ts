import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBucket, type UploadRef } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import { faultServer, pass } from './faults/fault-server.ts';
import { KEY, LANES, PARTS, wholeHash } from './resume/content.ts';

/** Parts that the store has taken when the first process is killed. */
const KILLED_AFTER = 9;

const { server, missing } = await serverOrReason(() => startMinio({ buckets: ['resume-lean', 'resume-sdk'] }));

if (server === undefined) test('uploads that are killed', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);

  describe.each(['lean', 'sdk'] as const)('through %s', (transport) => {
    const name = `resume-${transport}`;
    const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
    const bucket = openBucket(minioDriver({ endpoint: server.endpoint, credentials, store: 'minio' }, name));

    const uploader = (endpoint: string, folder: string): ChildProcess =>
      spawn(
        process.execPath,
        ['--conditions=@stowage/source', join(import.meta.dirname, 'resume/uploader.ts'), endpoint, name, transport, join(folder, 'ref')],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { PATH: process.env['PATH'], AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey },
        },
      );
    const ended = (child: ChildProcess): Promise<{ code: number | null; signal: string | null; said: string }> => {
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, said })));
    };
    /** Runs the uploader until the store has taken so many parts, and kills it then. Gives the indexes of all parts that it began to send. */
    const killed = async (folder: string): Promise<number[]> => {
      const begun: number[] = [];
      let taken = 0;
      const running: ChildProcess[] = [];
      await using counting = await faultServer((incoming, answer) => {
        const number = /[?&]partNumber=(\d+)/.exec(incoming.url ?? '')?.[1];
        if (incoming.method !== 'PUT' || number === undefined) return false;
        begun.push(Number(number) - 1);
        pass(incoming, answer, server.endpoint, () => {
          if (++taken === KILLED_AFTER) running[0]?.kill('SIGKILL');
          return false;
        });
        return true;
      }, server.endpoint);
      const child = uploader(counting.endpoint, folder);
      running.push(child);
      expect(await ended(child)).toMatchObject({ code: null, signal: 'SIGKILL' });
      return begun;
    };
    const unfinished = async (): Promise<UploadRef[]> => {
      const found: UploadRef[] = [];
      for await (const ref of bucket.listUploads()) found.push(ref);
      return found;
    };

    it('an upload that was killed half-way goes on in another process, which sends again at most the parts that were on their way', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'stowage-resume-'));
      try {
        const begun = await killed(folder);
        expect(begun.length).toBeLessThan(PARTS);
        expect(await bucket.exists(KEY)).toBe(false);
        const [left] = await unfinished();
        expect(left?.key).toBe(KEY);

        const { code, said } = await ended(uploader(server.endpoint, folder));
        expect(code).toBe(0);
        const sent = JSON.parse(said) as number[];
        const twice = sent.filter((index) => begun.includes(index));
        expect(sent.length).toBeLessThanOrEqual(PARTS - KILLED_AFTER);
        expect(twice.length).toBeLessThanOrEqual(LANES);
        expect(new Set([...begun, ...sent]).size).toBe(PARTS);

        const hash = createHash('sha256');
        const object = await bucket.get(KEY);
        expect(object.info.headers).toMatchObject({ contentType: 'video/x-test', metadata: { made: 'in parts' } });
        for await (const chunk of object) hash.update(chunk);
        expect(hash.digest('hex')).toBe(wholeHash());
        expect(await unfinished()).toEqual([]);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('what a killed upload left behind is listed, and gone when it is aborted', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'stowage-resume-'));
      try {
        await killed(folder);
        const left = await unfinished();
        expect(left.map(({ key }) => key)).toEqual([KEY]);
        for (const ref of left) {
          const upload = await bucket.resumeUpload(ref);
          expect((await upload.parts()).length).toBeGreaterThanOrEqual(KILLED_AFTER);
          await upload.abort();
          await expect(bucket.resumeUpload(ref)).rejects.toMatchObject({ code: 'NotFound' });
        }
        expect(await unfinished()).toEqual([]);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
}
