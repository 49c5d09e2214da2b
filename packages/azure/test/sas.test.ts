import { openBucket, type StorageError } from '@stowage/core';
import { type AzuriteServer, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import { SharedAccessSignature } from '../src/sign-in/shared-access-signature.ts';
import type { Right } from '../src/sign-in/sign-in.ts';
import { makeContainer } from './azurite-harness.ts';
import { accountSas, containerSas } from './test-sas.ts';

const HOUR_MS = 3_600_000;
const account = { name: 'acc', key: Buffer.alloc(64, 'k').toString('base64') };

async function failure(work: Promise<unknown>): Promise<StorageError> {
  return (await work.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  )) as StorageError;
}

describe('a SAS is read before any request', () => {
  const check = (token: string, right: Right): void => new SharedAccessSignature(token, account.name).check(right);

  it('that has expired: when it did', () => {
    const token = containerSas(account, 'c', { letters: 'rl', end: new Date('2026-01-02T03:04:05Z') });
    expect(() => check(token, 'read')).toThrow(
      expect.objectContaining({ code: 'Unauthenticated', message: expect.stringMatching(/expired on 2026-01-02T03:04:05Z.*get a new one/) }),
    );
  });

  it('that is not valid yet: from when on it is, and what this clock says', () => {
    const start = new Date(Date.now() + HOUR_MS);
    const token = containerSas(account, 'c', { letters: 'rl', start, end: new Date(Date.now() + 2 * HOUR_MS) });
    expect(() => check(token, 'read')).toThrow(
      expect.objectContaining({ code: 'Unauthenticated', message: expect.stringMatching(/valid from .* on, and this machine's clock says/) }),
    );
  });

  it.each<[Right, string, string]>([
    ['read', 'wl', '"r" (read)'],
    ['list', 'rw', '"l" (list)'],
    ['write', 'rc', '"w" (write)'],
    ['create', 'rl', '"w" (write)'],
    ['delete', 'rwl', '"d" (delete)'],
    ['delete-version', 'rwdl', '"x" (delete version)'],
    ['tags', 'rwdl', '"t" (tags)'],
  ])('that lacks the letter for %s', (right, letters, lack) => {
    expect(() => check(containerSas(account, 'c', { letters }), right)).toThrow(
      expect.objectContaining({ code: 'AccessDenied', message: expect.stringContaining(`lacks ${lack}`) }),
    );
  });

  it.each<[Right, string, string]>([
    ['list', 'o', '"c" (container) in srt'],
    ['read', 'sc', '"o" (object) in srt'],
  ])('of an account that lacks the resource type for %s', (right, types, lack) => {
    expect(() => check(accountSas(account, { letters: 'rwdlactfx' }, types), right)).toThrow(
      expect.objectContaining({ code: 'AccessDenied', message: expect.stringContaining(lack) }),
    );
  });

  it("and where a stored policy has dates and letters, they are the service's to judge", () => {
    const sig = encodeURIComponent(Buffer.alloc(32, 1).toString('base64'));
    for (const right of ['read', 'list', 'write', 'delete'] as const) expect(() => check(`?si=policy&sv=2022-11-02&sr=c&sig=${sig}`, right)).not.toThrow();
  });

  const sig = encodeURIComponent(Buffer.from('canary-canary-canary-canary-cana').toString('base64'));
  it.each([
    ['without a signature', '?sv=2022-11-02&se=2030-01-01&sp=r&sr=c', 'sig='],
    ['with half a signature', '?sv=2022-11-02&se=2030-01-01&sp=r&sr=c&sig=Y2FuYXJ5', 'sig='],
    ['without a version', `?se=2030-01-01&sp=r&sr=c&sig=${sig}`, 'sv='],
    ['without letters', `?sv=2022-11-02&se=2030-01-01&sr=c&sig=${sig}`, 'sp='],
    ['without an end', `?sv=2022-11-02&sp=r&sr=c&sig=${sig}`, 'se='],
    ['with an end that is no date', `?sv=2022-11-02&se=soon&sp=r&sr=c&sig=${sig}`, 'se='],
    ['of a file share', `?sv=2022-11-02&se=2030-01-01&sp=r&sr=s&sig=${sig}`, 'Blob Storage'],
    ['of an account without blobs', `?sv=2022-11-02&se=2030-01-01&sp=r&ss=qt&srt=co&sig=${sig}`, 'ss=b'],
    ['with a name twice', `?sv=2022-11-02&sv=2022-11-02&sig=${sig}`, 'twice'],
    ['that is a whole URL', `https://a.blob.core.windows.net/c?sv=2022-11-02&se=2030-01-01&sp=r&sr=c&sig=${sig}`, 'name=value'],
    ['that is encoded half', `?sv=2022-11-02&se=2030-01-01&sp=r&sr=c&sig=%ZZ`, 'encoded'],
  ])('%s is refused in words, which do not repeat it', (_what, token, words) => {
    const make = (): unknown => new SharedAccessSignature(token);
    expect(make).toThrow(expect.objectContaining({ code: 'Config', message: expect.stringContaining(words) }));
    expect(make).not.toThrow(expect.objectContaining({ message: expect.stringContaining(sig.slice(0, 12)) }));
  });

  it('takes a signature with "+" and "/" as it was copied', () => {
    const raw = Buffer.alloc(32, 0xfb).toString('base64');
    expect(raw).toMatch(/[+/]/);
    const query: Record<string, string> = {};
    new SharedAccessSignature(`?sv=2022-11-02&se=2030-01-01&sp=r&sr=c&sig=${raw}`).sign({ method: 'GET', path: '/', query, headers: {}, length: 0 });
    expect(query['sig']).toBe(raw);
  });
});

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('a SAS on Azurite', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  describe('a container SAS', () => {
    use(server);
  });
}

/** What each set of letters must do, whoever made it. */
function use(azurite: AzuriteServer): void {
  const open = async (letters: string): Promise<{ may: ReturnType<typeof openBucket>; owner: ReturnType<typeof openBucket> }> => {
    const container = await makeContainer(azurite);
    const owner = openBucket(
      azureDriver({ endpoint: azurite.endpoint, signIn: { kind: 'account-key', account: azurite.account.name, key: azurite.account.key } }, container),
    );
    await owner.put('there', 'already');
    const token = `?${containerSas(azurite.account, container, { letters })}`;
    return { may: openBucket(azureDriver({ endpoint: azurite.endpoint, signIn: { kind: 'sas', token } }, container)), owner };
  };
  const blocks = Buffer.alloc(200_000, 7);
  const inBlocks = { partSize: 64 * 1024 };

  it('with rl lists and reads', async () => {
    const { may } = await open('rl');
    expect((await Array.fromAsync(may.list())).map(({ key }) => key)).toEqual(['there']);
    expect(await (await may.get('there')).text()).toBe('already');
    expect(await failure(may.put('x', 'y'))).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('"w" (write)') });
    expect(await failure(may.delete('there'))).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('"d" (delete)') });
  });

  it('with w uploads, in one block and in many, and is told what it lacks for the rest', async () => {
    const { may, owner } = await open('w');
    await may.put('one', 'x');
    await may.put('many', blocks, inBlocks);
    expect((await owner.head('many')).size).toBe(blocks.byteLength);
    expect(await failure(may.head('there'))).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('"r" (read)') });
    expect(await failure(may.listPage())).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('"l" (list)') });
  });

  it('with c alone makes new blobs of one block, and no others', async () => {
    const { may, owner } = await open('c');
    await may.put('new', 'x');
    expect(await (await owner.get('new')).text()).toBe('x');
    expect(await failure(may.put('many', blocks, inBlocks))).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('"w" (write)') });
  });

  it('with rw uploads what is not there yet', async () => {
    const { may } = await open('rw');
    expect(await may.exists('there')).toBe(true);
    expect(await may.exists('absent')).toBe(false);
    await may.put('absent', 'x', { if: 'absent' });
    expect(await failure(may.put('there', 'x', { if: 'absent' }))).toMatchObject({ code: 'AlreadyExists' });
  });

  it('with rwl is enough to sync', async () => {
    const { may } = await open('rwl');
    await may.put('synced', 'x', { metadata: { a: 'b' } });
    expect((await Array.fromAsync(may.list())).map(({ key }) => key)).toEqual(['synced', 'there']);
    await may.copy('there', 'copied');
    expect(await (await may.get('copied')).text()).toBe('already');
    expect(await failure(may.delete('there'))).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('"d" (delete)') });
  });

  it('with rwdl is enough to mirror with deletions, one by one and many at once', async () => {
    const { may } = await open('rwdl');
    for (const key of ['a', 'b', 'c']) await may.put(key, key);
    await may.delete('a');
    expect((await Array.fromAsync(may.deleteMany(['b', 'c', 'not-there', 'there']))).map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(await Array.fromAsync(may.list())).toEqual([]);
  });

  it('is not asked whether its container is there: a listing of one tells', async () => {
    const { may } = await open('rl');
    expect(await may.checkAccess()).toEqual({ list: 'granted', read: 'granted', write: 'denied', delete: 'denied', 'list-uploads': 'granted' });
  });

  it('of the whole account works on any container', async () => {
    const { owner } = await open('rl');
    const token = accountSas(azurite.account, { letters: 'rwdlac' }, 'co');
    const may = openBucket(azureDriver({ endpoint: azurite.endpoint, signIn: { kind: 'sas', token } }, owner.name));
    await may.put('by-account', 'x');
    expect((await Array.fromAsync(may.list())).map(({ key }) => key)).toEqual(['by-account', 'there']);
    expect((await Array.fromAsync(may.deleteMany(['by-account', 'there']))).every(({ ok }) => ok)).toBe(true);
  });
}
