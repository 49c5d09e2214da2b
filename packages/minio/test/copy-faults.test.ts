import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { CopyItem, CopyOutcome } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { MinioDriver } from '../src/minio-driver.ts';
import { type MinioOptions, minioSettings } from '../src/minio-options.ts';
import { faultServer, type Misbehave, xmlError } from './faults/fault-server.ts';

const MIB = 1024 * 1024;
const { server, missing } = await serverOrReason(() => startMinio());

const copying = (method: string | undefined, url: string | undefined): boolean => method === 'PUT' && url?.includes('copied') === true;

/** Requests for the copy are answered so; all others pass. */
function answering(status: number, body: string, headers: Record<string, string> = { 'content-type': 'application/xml' }): Misbehave {
  return (incoming, answer) => {
    if (!copying(incoming.method, incoming.url)) return false;
    incoming.resume();
    answer.writeHead(status, headers).end(body);
    return true;
  };
}

if (server === undefined) test('copies that go wrong', ({ skip }) => skip(missing));
else {
  const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  afterAll(() => server.stop(), 60_000);
  beforeAll(async () => {
    await new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials }).send(
      new CreateBucketCommand({ Bucket: 'copy-faults' }),
    );
  });

  describe.each(['lean', 'sdk'] as const)('through %s', (transport) => {
    const open = (endpoint: string, more: Partial<MinioOptions> = {}): MinioDriver =>
      new MinioDriver(minioSettings({ endpoint, credentials, region: server.region, store: 'minio', transport, ...more }), 'copy-faults', {
        maxSingle: 6 * MIB,
        partSize: 5 * MIB,
      });
    const direct = open(server.endpoint);
    const copy = async (driver: MinioDriver, from: string, more: Partial<CopyItem> = {}): Promise<CopyOutcome> =>
      (await driver.copyMany([{ from: driver.copySource(from), to: 'copied', ...more }], {}))[0] as CopyOutcome;

    beforeAll(async () => {
      await direct.put('small', Buffer.from('content'), { contentType: 'text/plain', metadata: { of: 'the source' } });
      await direct.put('large', Buffer.alloc(11 * MIB, 'content'), {});
    });

    const error = '<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>';
    it.each([
      ['an error behind white space that kept the connection open', `<?xml version="1.0" encoding="UTF-8"?>\n${' \n'.repeat(3000)}${error}`],
      ['an error without a declaration', error],
      ['nothing', ''],
      ['a result that is cut off', '<CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"9a'],
      ['a result without an ETag', '<CopyObjectResult></CopyObjectResult>'],
    ])('a 200 that holds %s is a failure that may pass, in one request and in parts', async (_what, body) => {
      for (const [from, answer] of [
        ['small', body],
        ['large', body.replaceAll('CopyObjectResult', 'CopyPartResult')],
      ] as const) {
        await using faults = await faultServer(
          (incoming, response) => (from === 'large' && incoming.url?.includes('partNumber') !== true ? false : answering(200, answer)(incoming, response)),
          server.endpoint,
        );
        const outcome = await copy(open(faults.endpoint), from);
        expect(outcome.ok ? undefined : outcome.error).toMatchObject({ code: 'Unavailable', retryable: true, key: 'copied' });
        await expect(direct.head('copied', {})).rejects.toMatchObject({ code: 'NotFound' });
      }
      const left: unknown[] = [];
      for await (const upload of direct.listUploads({})) left.push(upload);
      expect(left).toEqual([]);
    });

    it('a web page for a copy is no S3 server', async () => {
      await using faults = await faultServer(answering(200, '<!doctype html><title>Console</title>', { 'content-type': 'text/html' }), server.endpoint);
      const outcome = await copy(open(faults.endpoint), 'small');
      expect(['Config', 'Unavailable']).toContain(outcome.ok ? 'ok' : outcome.error.code);
    });

    it('refusals keep their meaning, and one stops no other', async () => {
      const codes = ['SlowDown', 'InternalError', 'AccessDenied', 'NoSuchKey'];
      await using faults = await faultServer((incoming, answer) => {
        if (!copying(incoming.method, incoming.url)) return false;
        incoming.resume();
        const code = codes[Number(/copied(\d)/.exec(incoming.url ?? '')?.[1])] as string;
        return xmlError(answer, { SlowDown: 503, InternalError: 500, AccessDenied: 403, NoSuchKey: 404 }[code] as number, code);
      }, server.endpoint);
      const driver = open(faults.endpoint);
      const from = driver.copySource('small');
      const outcomes = await driver.copyMany([{ from, to: 'other' }, ...codes.map((_, i) => ({ from, to: `copied${i}` })), { from, to: 'another' }], {});
      expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))).toEqual([
        'ok',
        'RateLimited',
        'Unavailable',
        'AccessDenied',
        // Its revision was seen a moment before.
        'PreconditionFailed',
        'ok',
      ]);
    });

    it('a source that is written between the look and the copy is not copied', async () => {
      for (const from of ['small', 'large']) {
        const content = Buffer.alloc(from === 'small' ? 7 : 11 * MIB, 'content');
        let written = false;
        await using faults = await faultServer(async (incoming) => {
          if (!written && incoming.headers['x-amz-copy-source'] !== undefined) {
            written = true;
            await direct.put(from, Buffer.from('other'), {});
          }
          return false;
        }, server.endpoint);
        const outcome = await copy(open(faults.endpoint), from);
        expect(outcome.ok ? undefined : outcome.error.code).toBe('PreconditionFailed');
        await expect(direct.head('copied', {})).rejects.toMatchObject({ code: 'NotFound' });
        await direct.put(from, content, from === 'small' ? { contentType: 'text/plain', metadata: { of: 'the source' } } : {});
      }
    });

    it('a store that judges conditions on the destination is sent them, and which one failed is told', async () => {
      const asked: unknown[] = [];
      const store =
        (there: boolean): Misbehave =>
        (incoming, answer) => {
          if (!copying(incoming.method, incoming.url)) {
            if (incoming.method !== 'HEAD' || incoming.url?.includes('copied') !== true || !there) return false;
            answer.writeHead(200, { etag: '"there"', 'last-modified': new Date(0).toUTCString(), 'content-length': '1' }).end();
            return true;
          }
          asked.push([incoming.headers['if-none-match'], incoming.headers['if-match'], incoming.headers['x-amz-copy-source-if-match']]);
          incoming.resume();
          return xmlError(answer, 412, 'PreconditionFailed');
        };
      const { revision } = await direct.head('small', {});
      for (const [condition, there, code] of [
        ['absent', true, 'AlreadyExists'],
        ['absent', false, 'PreconditionFailed'],
        [{ etag: '"gone"' }, true, 'PreconditionFailed'],
      ] as const) {
        await using faults = await faultServer(store(there), server.endpoint);
        const outcome = await copy(open(faults.endpoint, { store: 'aws' }), 'small', { if: condition });
        expect(outcome.ok ? undefined : outcome.error.code).toBe(code);
      }
      expect(asked).toEqual([
        ['*', undefined, revision.etag],
        ['*', undefined, revision.etag],
        [undefined, '"gone"', revision.etag],
      ]);
    });

    it('what is sent along is the same as ever: nothing where headers are kept, all of them where they are replaced', async () => {
      const sent: (readonly [string, unknown])[][] = [];
      await using faults = await faultServer((incoming) => {
        if (incoming.headers['x-amz-copy-source'] !== undefined)
          sent.push(
            Object.entries(incoming.headers).filter(
              ([name]) => (name.startsWith('x-amz-') && !/date|sha256|user-agent|token/.test(name)) || name.startsWith('if-') || name === 'content-type',
            ),
          );
        return false;
      }, server.endpoint);
      const driver = open(faults.endpoint);
      expect((await copy(driver, 'small')).ok).toBe(true);
      expect((await copy(driver, 'small', { headers: { contentType: 'text/x-new', metadata: { empty: '' }, tags: { a: 'b c' } } })).ok).toBe(true);
      const { revision } = await direct.head('small', {});
      const pinned = { 'x-amz-copy-source': 'copy-faults/small', 'x-amz-copy-source-if-match': revision.etag };
      expect(sent.map((headers) => Object.fromEntries(headers))).toEqual([
        pinned,
        {
          ...pinned,
          'content-type': 'text/x-new',
          'x-amz-meta-empty': '',
          'x-amz-tagging': 'a=b%20c',
          'x-amz-metadata-directive': 'REPLACE',
          'x-amz-tagging-directive': 'REPLACE',
        },
      ]);
      expect((await direct.head('copied', {})).headers).toMatchObject({ contentType: 'text/x-new', metadata: { empty: '' } });
      await direct.deleteMany([{ key: 'copied' }], {});
    });
  });
}
