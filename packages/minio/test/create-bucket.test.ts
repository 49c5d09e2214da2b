import { faultServer, type S3Server, serverOrReason, startMinio, startVersitygw } from '@stowage/test-servers';
import { afterAll, describe, expect, it } from 'vitest';
import { createBucket } from '../src/create-bucket.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { restrictedKeys } from './denied-keys.ts';
import { xmlError } from './xml-error.ts';

const minio = await serverOrReason(() => startMinio());
const versitygw = await serverOrReason(() => startVersitygw());
afterAll(() => Promise.all([minio.server?.stop(), versitygw.server?.stop()]));

const optionsOf = ({ endpoint, region, accessKeyId, secretAccessKey }: S3Server): MinioOptions => ({
  endpoint,
  region,
  credentials: { accessKeyId, secretAccessKey },
});

/** A store whose buckets are not there until one is made, and that answers questions about the new one as told. */
type Answers = Readonly<Record<string, string | readonly [status: number, code: string]>>;

async function storeOf(answers: Answers) {
  const bodies: string[] = [];
  const faults = await faultServer(async (incoming, answer) => {
    const { method, url = '' } = incoming;
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const query = [...new URL(url, 'http://store').searchParams.keys()];
    const asked = query.includes('list-type') ? 'list' : `${method} ${query.find((name) => name !== 'x-id') ?? ''}`.trim();
    if (method === 'PUT') bodies.push(`${asked}: ${body}`);
    const told = answers[asked] ?? (asked === 'list' ? [404, 'NoSuchBucket'] : method === 'PUT' ? '' : [501, 'NotImplemented']);
    if (typeof told !== 'string') return xmlError(answer, told[0], told[1]);
    answer.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(told) }).end(told);
    return true;
  });
  const make = (region?: string) =>
    createBucket(
      { endpoint: faults.endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, ...(region === undefined ? {} : { region }) },
      'new-one',
      {},
    );
  return { make, bodies, [Symbol.asyncDispose]: () => faults[Symbol.asyncDispose]() };
}

const acl = (grantee: string): string =>
  `<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ${grantee}</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`;
const EVERYONE = acl('xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>');
const OWNER = acl('xsi:type="CanonicalUser"><ID>me</ID>');
const NO_POLICY = [404, 'NoSuchBucketPolicy'] as const;

describe('a new bucket', () => {
  it.for([
    ['MinIO', minio],
    ['VersityGW', versitygw],
  ] as const)('is seen to be private on %s, which cannot block public access', async ([, { server, missing }], { skip }) => {
    if (server === undefined) return skip(missing);
    expect(await createBucket(optionsOf(server), 'seen-private', {})).toEqual({ outcome: 'created', exposure: 'private', notes: [] });
    expect((await fetch(`${server.endpoint}/seen-private?list-type=2`)).status).toBe(403);
  });

  it('has its public access blocked where the store can do that, in the region that is configured', async () => {
    await using store = await storeOf({ 'GET publicAccessBlock': [404, 'NoSuchPublicAccessBlockConfiguration'] });
    expect(await store.make('eu-central-1')).toEqual({ outcome: 'created', exposure: 'private', notes: [] });
    const [made = '', blocked = ''] = store.bodies;
    expect(made).toContain('<LocationConstraint>eu-central-1</LocationConstraint>');
    for (const each of ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'])
      expect(blocked).toContain(`<${each}>true</${each}>`);
    await using first = await storeOf({ 'GET publicAccessBlock': '<PublicAccessBlockConfiguration/>' });
    await first.make();
    expect(first.bodies[0]).toBe('PUT: ');
  });

  it.each([
    ['no policy, and a list that opens nothing', { 'GET policy': NO_POLICY, 'GET acl': OWNER }, 'private', []],
    ['a list that opens it', { 'GET policy': NO_POLICY, 'GET acl': EVERYONE }, 'public', ['its access control list opens it to everyone']],
    ['a policy of the store', { 'GET policy': '{}', 'GET acl': OWNER }, 'unknown', ['the store has given it a policy']],
    ['a store that does not tell', {}, 'unknown', ['the server does not tell']],
    [
      'credentials that may not look',
      { 'GET publicAccessBlock': [403, 'AccessDenied'], 'GET policy': [403, 'AccessDenied'] },
      'unknown',
      ['s3:PutBucketPublicAccessBlock', 's3:GetBucketAcl on arn:aws:s3:::new-one are missing'],
    ],
  ] as const)('is told by what is seen of it: %s', async (_, answers, exposure, notes) => {
    await using store = await storeOf(answers);
    expect(await store.make()).toEqual({ outcome: 'created', exposure, notes: notes.map((note) => expect.stringContaining(note) as string) });
  });
});

describe('a bucket that cannot be made', () => {
  it.each([
    ['a name of somebody else, that is seen', { list: [403, 'AccessDenied'] }, 'AccessDenied', "its name is somebody else's"],
    ['a name that somebody has taken meanwhile', { PUT: [409, 'BucketAlreadyOwnedByYou'] }, 'AlreadyExists', "is somebody else's; take another"],
    ['a quota that is used up', { PUT: [400, 'TooManyBuckets'] }, 'OutOfSpace', 'may have no more buckets'],
    ['no right to make any', { PUT: [403, 'AccessDenied'] }, 'AccessDenied', 'grant s3:CreateBucket on arn:aws:s3:::new-one'],
    ['another region', { PUT: [400, 'IllegalLocationConstraintException'] }, 'Config', 'new-one'],
  ] as const)('says why: %s', async (_, answers, code, words) => {
    await using store = await storeOf(answers);
    await expect(store.make()).rejects.toMatchObject({ code, operation: 'createBucket', bucket: 'new-one', message: expect.stringContaining(words) as string });
  });

  it('says so on a real server: a name that it does not take, and keys that may not', async (ctx) => {
    const { server } = minio;
    if (server === undefined) return ctx.skip(minio.missing);
    const options = optionsOf(server);
    await expect(createBucket(options, 'No_Such_Name', {})).rejects.toMatchObject({
      code: 'Config',
      message: expect.stringContaining('"No_Such_Name"') as string,
    });
    const readers = await restrictedKeys(server, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::*'] }],
    });
    await expect(createBucket({ ...options, credentials: readers }, 'not-allowed', {})).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('grant s3:CreateBucket') as string,
    });
    // Without the right to look it is not known whether there is one, and nothing is sent that might change it.
    const makers = await restrictedKeys(server, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['s3:CreateBucket'], Resource: ['arn:aws:s3:::*'] }],
    });
    await expect(createBucket({ ...options, credentials: makers }, 'not-seen', {})).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('s3:ListBucket') as string,
    });
  });
});
