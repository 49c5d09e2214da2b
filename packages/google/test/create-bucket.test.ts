import { faultServer, serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, describe, expect, it } from 'vitest';
import { createBucket } from '../src/create-bucket.ts';
import { anonymous } from '../src/sign-in/anonymous.ts';
import { jsonError } from './json-error.ts';
import { signedIn, unchecked } from './strict-server.ts';

const { server, missing } = await serverOrReason(() => startStrictGcs());
afterAll(() => server?.stop());

describe('a new bucket', () => {
  it('belongs to the project of the service account, and its public access is prevented', async ({ skip }) => {
    if (server === undefined) return skip(missing);
    const seen: string[] = [];
    await using between = await faultServer(
      (incoming) => {
        seen.push(`${incoming.method} ${incoming.url}`);
        return false;
      },
      server.endpoint,
      true,
    );
    const options = { endpoint: between.endpoint, credentials: signedIn(server, server.owner) };
    expect(await createBucket(options, 'of-the-account', {})).toEqual({ outcome: 'created', exposure: 'private', notes: [] });
    expect(seen).toContain('POST /storage/v1/b?project=stowage-test');
    await createBucket({ ...options, project: 'another-one' }, 'of-another', {});
    expect(seen).toContain('POST /storage/v1/b?project=another-one');
    expect(await createBucket(options, 'of-another', {})).toEqual({ outcome: 'existed' });
  });

  it('is not taken for private where the service does not say so', async () => {
    await using faults = await faultServer((incoming, answer) => {
      if (incoming.method === 'GET') return jsonError(answer, 404, 'notFound', {}, 'The specified bucket does not exist.');
      answer.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return true;
    });
    expect(await createBucket({ endpoint: faults.endpoint, credentials: unchecked(), project: 'p' }, 'new-one', {})).toEqual({
      outcome: 'created',
      exposure: 'unknown',
      notes: [expect.stringContaining('does not say that its public access is prevented')],
    });
  });
});

describe('a bucket that cannot be made', () => {
  it('says what to grant, and which name is none', async ({ skip }) => {
    if (server === undefined) return skip(missing);
    const { endpoint } = server;
    await expect(createBucket({ endpoint, credentials: signedIn(server, server.reader) }, 'not-allowed', {})).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('grant storage.buckets.create on the project "stowage-test", which is in roles/storage.admin') as string,
    });
    await expect(createBucket({ endpoint, credentials: signedIn(server, server.owner) }, 'No_Such_Name', {})).rejects.toMatchObject({
      code: 'Config',
      message: expect.stringContaining('No_Such_Name') as string,
    });
  });

  it('says that a project is to be named', async () => {
    await using faults = await faultServer((_incoming, answer) => jsonError(answer, 404, 'notFound', {}, 'The specified bucket does not exist.'));
    await expect(createBucket({ endpoint: faults.endpoint, credentials: anonymous() }, 'new-one', {})).rejects.toMatchObject({
      code: 'Config',
      message: expect.stringContaining('set project to the id of yours') as string,
    });
    expect(faults.seen.filter((each) => each.startsWith('POST'))).toEqual([]);
  });

  it.for([
    ['somebody has it', () => true, 'AccessDenied', "its name is somebody else's"],
    ['somebody took it meanwhile', (method: string | undefined, count: number) => method === 'GET' && count > 2, 'AccessDenied', "its name is somebody else's"],
    ['it was deleted just now', () => false, 'AlreadyExists', 'perhaps by a bucket that was deleted just now'],
  ] as const)('says why: %s', async ([, isDenied, code, words]) => {
    let count = 0;
    await using faults = await faultServer((incoming, answer) => {
      if (isDenied(incoming.method, ++count)) return jsonError(answer, 403, 'forbidden');
      if (incoming.method === 'GET') return jsonError(answer, 404, 'notFound', {}, 'The specified bucket does not exist.');
      return jsonError(answer, 409, 'conflict');
    });
    await expect(createBucket({ endpoint: faults.endpoint, credentials: unchecked(), project: 'p' }, 'new-one', {})).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });
});
