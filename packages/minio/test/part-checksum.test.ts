import { crc32 } from 'node:zlib';
import { openBucket } from '@stowage/core';
import { makeBucket, serverOrReason, startMinio, startVersitygw } from '@stowage/test-servers';
import { afterAll, describe, expect, it } from 'vitest';
import { minioDriver } from '../src/index.ts';

const started = { minio: await serverOrReason(startMinio), versitygw: await serverOrReason(startVersitygw) };
afterAll(async () => {
  for (const { server } of Object.values(started)) await server?.stop();
});

describe.each(['minio', 'versitygw'] as const)('the CRC32 that a part comes with, on %s', (store) => {
  it.for(['lean', 'sdk'] as const)('is what the server compares the part with, by the %s transport', async (transport, ctx) => {
    const { server, missing } = started[store];
    if (server === undefined) return ctx.skip(missing);
    const name = `parts-${transport}`;
    await makeBucket(server, name);
    const { endpoint, accessKeyId, secretAccessKey } = server;
    await using bucket = openBucket(minioDriver({ endpoint, store, transport, credentials: { accessKeyId, secretAccessKey } }, name));
    const bytes = Buffer.from('one part');
    await using upload = await bucket.upload('key');
    await expect(upload.part(0, bytes, { crc32: crc32('another') })).rejects.toMatchObject({ code: 'ChecksumMismatch' });
    const part = await upload.part(0, bytes, { crc32: crc32(bytes) });
    await upload.complete([part]);
    expect(Buffer.from(await (await bucket.get('key')).bytes()).toString()).toBe('one part');
  });
});
