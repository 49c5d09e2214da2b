/** Answers in the form in which the service gives them, which its emulator does not: recorded, with ids and names changed. */
import { openBucket, type StorageError } from '@stowage/core';
import { faultServer } from '@stowage/test-servers';
import { describe, expect, it } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import type { AzureSignIn } from '../src/azure-options.ts';
import { type ListedEntry, ListingFault, scanListing } from '../src/xml/listing.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

const account = { name: 'acc', key: Buffer.alloc(64, 'k').toString('base64') };
const BY_KEY: AzureSignIn = { kind: 'account-key', account: account.name, key: account.key };
const BY_SAS: AzureSignIn = { kind: 'sas', token: containerSas(account, 'c', { letters: 'rwdl' }) };
const BY_TOKEN: AzureSignIn = { kind: 'anonymous' };

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly headers?: Record<string, string>;
  readonly detail?: string;
}

async function refused(
  { status, code, headers, detail }: Answer,
  signIn: AzureSignIn = BY_KEY,
  operation: 'head' | 'get' | 'put' | 'create' | 'delete' | 'list' = 'get',
): Promise<StorageError> {
  await using server = await faultServer((incoming, answer) => {
    incoming.resume();
    return xmlError(answer, status, code, headers, detail === undefined ? '' : `<AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail>`);
  });
  const bucket = openBucket(azureDriver({ endpoint: `${server.endpoint}/${account.name}`, signIn }, 'c'));
  const calls = {
    head: () => bucket.head('k'),
    get: () => bucket.get('k'),
    put: () => bucket.put('k', 'x'),
    create: () => bucket.put('k', 'x', { if: 'absent' }),
    delete: () => bucket.delete('k'),
    list: () => bucket.listPage(),
  };
  return (await calls[operation]().then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  )) as StorageError;
}

describe('what the service refuses', () => {
  it.each<[string, Answer, Parameters<typeof refused>[2], string, RegExp]>([
    ['a missing blob', { status: 404, code: 'BlobNotFound' }, 'get', 'NotFound', /no blob "k"/],
    ['a missing blob, asked for without a body', { status: 404, code: 'BlobNotFound' }, 'head', 'NotFound', /no blob "k"/],
    ['a missing container', { status: 404, code: 'ContainerNotFound' }, 'head', 'BucketNotFound', /no container "c"/],
    ['a container on its way out', { status: 409, code: 'ContainerBeingDeleted' }, 'put', 'BucketNotFound', /the container "c" is being deleted/],
    ['a blob that is there', { status: 409, code: 'BlobAlreadyExists' }, 'create', 'AlreadyExists', /exists already/],
    ['a condition', { status: 412, code: 'ConditionNotMet' }, 'put', 'PreconditionFailed', /not the revision/],
    ['a range behind the end', { status: 416, code: 'InvalidRange' }, 'get', 'InvalidRange', /behind the end/],
    ['an archived blob', { status: 409, code: 'BlobArchived' }, 'get', 'AccessDenied', /archived.*rehydrated/],
    ['a leased blob', { status: 412, code: 'LeaseIdMissing' }, 'put', 'AccessDenied', /leased by another program/],
    ['a blob with snapshots', { status: 409, code: 'SnapshotsPresent' }, 'delete', 'PreconditionFailed', /snapshots.*deleteSnapshots/],
    ['an append blob', { status: 409, code: 'InvalidBlobType' }, 'put', 'Unsupported', /page blob or an append blob/],
    ['a legal hold', { status: 409, code: 'BlobImmutableDueToPolicy' }, 'put', 'AccessDenied', /may not write/],
    ['a role that is missing', { status: 403, code: 'AuthorizationPermissionMismatch' }, 'get', 'AccessDenied', /may not read "k" in "c"/],
    ['the firewall', { status: 403, code: 'AuthorizationFailure' }, 'list', 'AccessDenied', /firewall/],
    [
      'account keys that are switched off',
      { status: 403, code: 'KeyBasedAuthenticationNotPermitted' },
      'get',
      'AccessDenied',
      /switched off.*managed identity/,
    ],
    ['anonymous access', { status: 409, code: 'PublicAccessNotPermitted' }, 'get', 'AccessDenied', /no anonymous access/],
    ['a name', { status: 400, code: 'InvalidUri' }, 'put', 'InvalidKey', /does not take "k"/],
    ['a container name', { status: 400, code: 'InvalidResourceName' }, 'list', 'Config', /container name "c"/],
    ['content that is not what was announced', { status: 400, code: 'Md5Mismatch' }, 'put', 'ChecksumMismatch', /other bytes/],
  ])('%s', async (_what, answer, operation, code, words) => {
    expect(await refused(answer, BY_KEY, operation)).toMatchObject({ code, message: expect.stringMatching(words), status: answer.status, requestId: 'test' });
  });

  it.each<[string, Answer, string, number | undefined]>([
    ['a busy server', { status: 503, code: 'ServerBusy', headers: { 'retry-after': '3' } }, 'RateLimited', 3000],
    ['a busy server that names no time', { status: 503, code: 'ServerBusy' }, 'RateLimited', undefined],
    ['a server that took too long', { status: 500, code: 'OperationTimedOut' }, 'Unavailable', undefined],
    ['a server that failed', { status: 500, code: 'InternalError' }, 'Unavailable', undefined],
    ['a gateway that says nothing', { status: 502, code: '' }, 'Unavailable', undefined],
  ])('%s may be asked again', async (_what, answer, code, retryAfterMs) => {
    expect(await refused(answer)).toMatchObject({ code, retryable: true, retryAfterMs });
  });
});

describe('a sign-in that fails', () => {
  const signed = 'PUT\\n\\n\\nx-ms-date:Mon, 23 Nov 2026 07:00:00 GMT\\n/acc/c/k';

  it('by a wrong key says so, and repeats nothing of what was signed', async () => {
    const detail = `The MAC signature found in the HTTP request 'c2VjcmV0Y2FuYXJ5c2lnbmF0dXJl' is not the same as any computed signature. Server used following string to sign: '${signed}'.`;
    const error = await refused({ status: 403, code: 'AuthenticationFailed', detail });
    expect(error).toMatchObject({ code: 'Unauthenticated', retryable: false, message: expect.stringContaining('copy it again from the portal') });
    expect(`${error.message}${error.stack}`).not.toMatch(/c2VjcmV0|string to sign/);
  });

  it('by a clock that is an hour off says by how much', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const error = await refused({ status: 403, code: 'AuthenticationFailed', detail: 'Request date header too old: Mon, 23 Nov 2026', headers: { date } });
    expect(error).toMatchObject({ code: 'Unauthenticated', message: expect.stringMatching(/clocks differ: this machine is 60 minutes ahead of the server/) });
  });

  it('by a SAS that the service finds expired names its clock', async () => {
    const detail = 'Signed expiry time [Mon, 23 Nov 2026 06:00:00 GMT] must be after signed start time [Mon, 23 Nov 2026 07:00:00 GMT]';
    expect(await refused({ status: 403, code: 'AuthenticationFailed', detail }, BY_SAS)).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringMatching(/SAS expired, or not valid yet, by its own clock/),
    });
  });

  it('by a SAS that was changed, or whose key was replaced', async () => {
    expect(await refused({ status: 403, code: 'AuthenticationFailed', detail: 'Signature did not match.' }, BY_SAS)).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringMatching(/signature of the SAS.*get a new one/),
    });
  });

  it('without one', async () => {
    expect(await refused({ status: 401, code: 'NoAuthenticationInformation' }, BY_TOKEN)).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringContaining('anonymous requests'),
    });
  });
});

describe('a listing of the service', () => {
  const page = (blobs: string, more = '<NextMarker />'): string =>
    `\uFEFF<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://acc.blob.core.windows.net/" ContainerName="c"><MaxResults>5</MaxResults><Blobs>${blobs}</Blobs>${more}</EnumerationResults>`;
  const properties = (more = ''): string =>
    `<Properties><Creation-Time>Mon, 23 Nov 2026 07:00:00 GMT</Creation-Time><Last-Modified>Mon, 23 Nov 2026 07:00:01 GMT</Last-Modified><Etag>0x8DE2A0C5A5B1E11</Etag>${more}<Content-Length>42</Content-Length><Content-Type>text/plain</Content-Type><Content-Encoding /><Content-Language /><Content-CRC64 /><Content-MD5>1B2M2Y8AsgTpgAmY7PhCfg==</Content-MD5><Cache-Control /><Content-Disposition /><BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata />`;
  const keysOf = (entries: readonly ListedEntry[]): string[] => entries.map(({ key }) => key);

  it('has objects and groups in one order, times, ETags without quotes and MD5', () => {
    const { entries, marker } = scanListing(
      page(
        `<Blob><Name>a &amp; b</Name>${properties()}</Blob><BlobPrefix><Name>dir/</Name></BlobPrefix><Blob><Name>e</Name>${properties()}</Blob>`,
        '<NextMarker>2!76!MDAwMDEw</NextMarker>',
      ),
    );
    expect(keysOf(entries)).toEqual(['a & b', 'dir/', 'e']);
    expect(marker).toBe('2!76!MDAwMDEw');
    expect(entries[0]?.object).toEqual({
      key: 'a & b',
      size: 42,
      lastModified: new Date('2026-11-23T07:00:01Z'),
      revision: { etag: '"0x8DE2A0C5A5B1E11"' },
      checksums: { md5: '1B2M2Y8AsgTpgAmY7PhCfg==' },
    });
    expect(entries[1]?.object).toBeUndefined();
  });

  it('may be empty', () => {
    expect(scanListing(page('').replace('<Blobs></Blobs>', '<Blobs />'))).toEqual({ entries: [], marker: undefined });
  });

  it('encodes names that XML cannot hold', () => {
    expect(keysOf(scanListing(page(`<Blob><Name Encoded="true">a%EF%BF%BFb%25</Name>${properties()}</Blob>`)).entries)).toEqual(['a\u{ffff}b%']);
  });

  it('has folders of a hierarchical namespace among its blobs, which are none', () => {
    expect(
      keysOf(
        scanListing(
          page(
            `<Blob><Name>dir</Name>${properties('<ResourceType>directory</ResourceType>')}</Blob><Blob><Name>dir/a</Name>${properties('<ResourceType>file</ResourceType>')}</Blob>`,
          ),
        ).entries,
      ),
    ).toEqual(['dir/a']);
  });

  it('tells blocks without a blob by what they lack', () => {
    const uncommitted = '<Properties><Last-Modified /><Etag /><Content-Length>0</Content-Length><Content-Type /><BlobType>BlockBlob</BlobType></Properties>';
    const [entry] = scanListing(page(`<Blob><Name>half</Name>${uncommitted}</Blob>`)).entries;
    expect(entry).toMatchObject({ key: 'half', uncommitted: true });
  });

  it.each([
    ['that is cut off in an entry', page(`<Blob><Name>a</Name>${properties()}`).slice(0, 400)],
    ['that is cut off behind one', page(`<Blob><Name>a</Name>${properties()}</Blob>`).replace('</EnumerationResults>', '')],
    ['that is a web page', '<!doctype html><html></html>'],
    ['that is nothing', ''],
  ])('%s is never taken for a whole one', (_what, text) => {
    expect(() => scanListing(text)).toThrow(ListingFault);
  });
});
