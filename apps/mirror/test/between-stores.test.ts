import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ODD_KEYS } from '@stowage/conformance';
import { ATTEMPT_CHANNEL, type AttemptEvent } from '@stowage/core';
import { serverOrReason, startAzurite, startMinio, startStrictGcs } from '@stowage/test-servers';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { type Ended, eventsOf, namesIn, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { accountSas, plainAzure } from './plain/plain-azure.ts';
import { plainDisk } from './plain/plain-disk.ts';
import { plainGcs } from './plain/plain-gcs.ts';
import { plainMinio } from './plain/plain-minio.ts';
import { forEach, heldOf, type PlainHeaders, type PlainStore } from './plain/plain-store.ts';
import { sha256Of } from './plain-s3.ts';

const started = await serverOrReason(async () => ({ azurite: await startAzurite(), minio: await startMinio(), gcs: await startStrictGcs() }));
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** Without content, as tools make them for folders. */
const MARKERS = ['folder/', 'empty folder/'];
/**
 * Beside the odd ones: keys that lie beneath other keys, which only stores without folders hold, and those that differ by case alone.
 */
const KEYS = [...ODD_KEYS.map(({ key }) => key), 'n', 'n.', 'n/', 'n/b', 'n/b/c', 'n0', 'Letters', 'letters', 'LETTERS/x', ...MARKERS, 'folder/in it'];
/** Azurite answers a listing with this name by status 500; the service encodes such names. Without it where Azure takes part. */
const NOT_ON_AZURITE = 'a\u{ffff}b';

const contentOf = (key: string): string => (MARKERS.includes(key) ? '' : `content of ${JSON.stringify(key)}`);
const contentsByKey = (keys: readonly string[]): Record<string, string> => Object.fromEntries(keys.map((key) => [key, sha256Of(contentOf(key))]));

if (started.server === undefined) test('sync between stores', ({ skip }) => skip(started.missing));
else {
  const { azurite, minio, gcs } = started.server;
  afterAll(async () => {
    for (const server of [azurite, minio, gcs]) await server.stop();
  }, 60_000);

  const disk = plainDisk(folder);
  const s3 = plainMinio(minio);
  const azure = plainAzure(azurite);
  const { endpoint } = gcs;
  const google = plainGcs({
    endpoint,
    credentials: gcs.owner.credentials,
    fields: ['credentials_path: account.json', `token_endpoint: ${endpoint}/token`],
  });
  const stores = [disk, s3, azure, google];
  const pairs = stores.flatMap((from) => stores.filter((to) => to !== from).map((to) => [from.name, to.name, from, to] as const));

  let places: Map<PlainStore, string[]>;
  beforeEach(() => {
    places = new Map();
    writeFileSync(at('account.json'), gcs.owner.credentials);
  });
  const make = async (store: PlainStore): Promise<string> => {
    const place = await store.make();
    places.set(store, [...(places.get(store) ?? []), place]);
    return place;
  };
  const command = async (...args: string[]): Promise<Ended> => {
    writeFileSync(at('remote_links.yml'), [...places].map(([store, all]) => store.entry(all)).join(''));
    const terminal = fakeTerminal(folder.path, (name) => import(name));
    const code = await runCli([...args, '--no-progress'], terminal);
    return { code, signal: null, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
  };
  const keysOf = ({ stdout }: Ended, outcome: string): string[] =>
    eventsOf(stdout)
      .filter((event) => event['outcome'] === outcome)
      .map(({ key }) => String(key))
      .toSorted();

  it('twelve pairs are tried', () => {
    expect(pairs).toHaveLength(12);
  });

  describe.each(pairs)('%s → %s', (_from, _to, from, to) => {
    it('each odd key arrives exact, or is a conflict that is told; a second run finds nothing to do', { timeout: 60_000 }, async () => {
      const [source, destination] = [await make(from), await make(to)];
      const known = from === azure || to === azure ? KEYS.filter((key) => key !== NOT_ON_AZURITE) : KEYS;
      const seeded = heldOf(from, known);
      await forEach(seeded, (key) => from.put(source, key, contentOf(key)));
      expect(await from.contents(source)).toEqual(contentsByKey(seeded));
      const held = heldOf(to, seeded);
      expect(held.length).toBeGreaterThan(40);
      const conflicts = seeded.filter((key) => !held.includes(key)).toSorted();

      const links = [from.link(source), to.link(destination)];
      const first = await command('sync', ...links, '--json');
      expect(keysOf(first, 'conflict')).toEqual(conflicts);
      expect(keysOf(first, 'copied')).toEqual(held.toSorted());
      expect(eventsOf(first.stdout).at(-1)).toMatchObject({ event: 'end', balanced: true, keys: seeded.length, counts: { failed: { objects: 0 } } });
      expect(first.code).toBe(conflicts.length === 0 ? 0 : 1);
      expect(await to.contents(destination)).toEqual(contentsByKey(held));

      const second = await command('sync', ...links, '--json');
      expect(keysOf(second, 'conflict')).toEqual(conflicts);
      expect(eventsOf(second.stdout).at(-1)).toMatchObject({
        counts: { same: { objects: held.length }, copied: { objects: 0 }, updated: { objects: 0 }, failed: { objects: 0 } },
      });
    });

    it('content type, cache control, disposition, language, encoding and metadata arrive', async () => {
      const [source, destination] = [await make(from), await make(to)];
      const content = gzipSync('a photograph');
      const headers: PlainHeaders = {
        contentType: 'image/jpeg',
        cacheControl: 'max-age=60, public',
        contentDisposition: 'inline; filename="a b.jpg"',
        contentLanguage: 'de',
        contentEncoding: 'gzip',
        metadata: { camera: 'front  left', two_words: 'a=b; c,d' },
      };
      if (from === disk) {
        // A folder has headers by way of Stowage alone: what it keeps came from a store.
        const origin = await make(google);
        await google.put(origin, 'd/a.jpg', content, headers);
        expect(await command('sync', google.link(origin), source)).toMatchObject({ code: 0, stderr: '' });
      } else await from.put(source, 'd/a.jpg', content, headers);
      expect(await from.headers(source, 'd/a.jpg')).toEqual(headers);
      expect(await command('sync', from.link(source), to.link(destination))).toMatchObject({ code: 0, stderr: '' });
      expect(await to.contents(destination)).toEqual({ 'd/a.jpg': sha256Of(content) });
      expect(await to.headers(destination, 'd/a.jpg')).toEqual(headers);
    });
  });
  it.each([disk, s3, azure].map((store) => [store.name, store] as const))(
    'keys with "." and ".." between slashes, which Google holds, are conflicts on %s, and lead nowhere',
    async (_, to) => {
      const [source, destination] = [await make(google), await make(to)];
      const dots = ['../up', './dot', 'a/../b', 'a/./c', 'a/..', 'a/.'];
      for (const key of [...dots, 'a/kept']) await google.put(source, key, contentOf(key));
      const links = [google.link(source), to.link(destination)];
      const planned = await command('plan', ...links, '--json');
      const made = await command('sync', ...links, '--json');
      for (const run of [planned, made]) {
        expect(keysOf(run, 'conflict')).toEqual(dots.toSorted());
        expect(keysOf(run, 'copied')).toEqual(['a/kept']);
      }
      expect([planned.code, made.code]).toEqual([1, 1]);
      expect(await to.contents(destination)).toEqual(contentsByKey(['a/kept']));
      expect([...namesIn(folder.path)].filter((name) => /(?:^|\/)(?:up|dot)$/.test(name))).toEqual([]);
    },
  );

  it.each([
    [
      'Azure',
      azure,
      ['camera_id'],
      [/metadata with other names than of letters, digits and "_" \(such as "camera-id"\)/, /metadata with empty values \(such as "nothing"\)/],
    ],
    ['Google', google, ['camera-id', 'camera_id'], [/metadata with empty values \(such as "nothing"\)/]],
    ['disk', disk, ['camera-id', 'camera_id', 'nothing'], []],
  ] as const)('metadata of S3 that %s cannot keep is said once, and the rest arrives', async (_, to, kept, notices) => {
    const [source, destination] = [await make(s3), await make(to)];
    const metadata: Record<string, string> = { 'camera-id': '7', camera_id: '8', nothing: '' };
    for (const key of ['a', 'b', 'c']) await s3.put(source, key, contentOf(key), { contentType: 'text/x-a', metadata });
    const { code, stderr } = await command('sync', s3.link(source), to.link(destination));
    const lines = stderr.split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(notices.length);
    for (const notice of notices) expect(stderr).toMatch(notice);
    expect(code).toBe(0);
    expect(await to.contents(destination)).toEqual(contentsByKey(['a', 'b', 'c']));
    for (const key of ['a', 'b', 'c'])
      expect(await to.headers(destination, key)).toEqual({ contentType: 'text/x-a', metadata: Object.fromEntries(kept.map((name) => [name, metadata[name]])) });
  });

  describe('a SAS of the least letters', () => {
    /** The entry of Azure, signed in to by a SAS of these letters. */
    const bySas = (letters: string): PlainStore => ({
      ...azure,
      entry: (all) => azure.entry(all).replace(/secret_key: .*/, `secret_key: "?${accountSas(azurite, { letters })}"`),
    });

    it('is enough for sync with rwl, and with --delete where there is d, too', async () => {
      const [source, store] = [await make(disk), bySas('rwl')];
      for (const key of ['a', 'd/b c']) await disk.put(source, key, contentOf(key));
      const destination = await make(store);
      expect(await command('sync', source, store.link(destination))).toMatchObject({ code: 0, stderr: '' });
      await store.put(destination, 'extra', 'e');
      const refused = await command('sync', source, store.link(destination), '--delete');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('the SAS lacks "d" (delete)');
      places = new Map([[bySas('rwdl'), [destination]]]);
      expect(await command('sync', source, store.link(destination), '--delete')).toMatchObject({ code: 0, stderr: '' });
      expect(await store.contents(destination)).toEqual(contentsByKey(['a', 'd/b c']));
    });

    it.each([
      ['rl', 4, 'the SAS lacks "w" (write)'],
      ['rwd', 4, 'the SAS lacks "l" (list)'],
    ])('that has %s alone is told', async (letters, code, words) => {
      const [source, destination] = [await make(disk), await make(bySas(letters))];
      await disk.put(source, 'a', contentOf('a'));
      const refused = await command('sync', source, azure.link(destination));
      expect(refused.stderr).toContain(words);
      expect(refused.stderr + refused.stdout).not.toContain('sig=');
      expect(refused.code).toBe(code);
      expect(await azure.contents(destination)).toEqual({});
    });
  });

  describe('within one store', () => {
    /** What the buckets were asked for while the command ran. */
    const operationsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
      const seen = new Set<string>();
      const listener = (event: unknown): void => void seen.add((event as AttemptEvent).operation);
      subscribe(ATTEMPT_CHANNEL, listener);
      try {
        await work();
      } finally {
        unsubscribe(ATTEMPT_CHANNEL, listener);
      }
      return [...seen].toSorted();
    };

    it.each([s3, azure, google].map((store) => [store.name, store] as const))(
      '%s copies from bucket to bucket on its own side, headers too',
      { timeout: 60_000 },
      async (_, store) => {
        const [source, destination] = [await make(store), await make(store)];
        // Google's rewrite between buckets goes on by its token from one MiB on.
        const large = Buffer.alloc(3 * 1024 * 1024 + 5, 'not all the same ').map((byte, i) => byte ^ (i >> 12));
        const headers: PlainHeaders = { contentType: 'image/jpeg', cacheControl: 'no-store', metadata: { camera: 'front' } };
        await store.put(source, 'a b/ü.jpg', large, headers);
        await store.put(source, 'empty', '');
        const operations = await operationsOf(async () =>
          expect(await command('sync', store.link(source), store.link(destination))).toMatchObject({ code: 0, stderr: '' }),
        );
        expect(operations).toEqual(expect.arrayContaining([expect.stringMatching(/^copy/)]));
        expect(operations.filter((operation) => /^(?:get|put|upload)/.test(operation))).toEqual([]);
        expect(await store.contents(destination)).toEqual({ 'a b/ü.jpg': sha256Of(large), empty: sha256Of('') });
        expect(await store.headers(destination, 'a b/ü.jpg')).toMatchObject(headers);
        expect((await command('sync', store.link(source), store.link(destination))).stdout).toContain('0 to copy: in sync already.');
      },
    );
  });

  describe.each(stores.map((store, i) => [store.name, store, stores[(i + 1) % stores.length] as PlainStore] as const))('--delete on %s', (_, to, from) => {
    it('takes what is superfluous and nothing else, and updates what changed', async () => {
      const [source, destination] = [await make(from), await make(to)];
      for (const key of ['d/a', 'd/b c+%41', 'same']) await from.put(source, key, contentOf(key));
      for (const key of ['d/a', 'd/extra #1', 'z']) await to.put(destination, key, 'old');
      const links = [from.link(source), to.link(destination)];
      expect(await command('sync', ...links, '--delete')).toMatchObject({ code: 0, stderr: '' });
      expect(await to.contents(destination)).toEqual(contentsByKey(['d/a', 'd/b c+%41', 'same']));
      expect((await command('check', ...links, '--checksum')).stdout).toContain('No differences.');
    });

    it('deletes nothing where more would go than is allowed, and where the source is empty or missing', async () => {
      const [source, empty, destination] = [await make(from), await make(from), await make(to)];
      await from.put(source, 'a', contentOf('a'));
      const keys = ['b', 'c', 'd'];
      for (const key of keys) await to.put(destination, key, contentOf(key));
      const guarded = await command('sync', from.link(source), to.link(destination), '--delete', '--max-delete', '2');
      expect(guarded.code).toBe(5);
      expect(guarded.stdout).toContain('Nothing was deleted.');
      const emptied = await command('sync', from.link(empty), to.link(destination), '--delete');
      expect(emptied.code).toBe(5);
      const nowhere = from === disk ? at('not-there') : from.link('not-there-at-all');
      places.set(from, [...(places.get(from) ?? []), 'not-there-at-all']);
      expect((await command('sync', nowhere, to.link(destination), '--delete')).code).toBe(3);
      expect(await to.contents(destination)).toEqual(contentsByKey(['a', ...keys]));
    });
  });
}
