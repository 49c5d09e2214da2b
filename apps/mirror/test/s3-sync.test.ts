import { ODD_KEYS } from '@stowage/conformance';
import { memoryDriver, type Provider } from '@stowage/core';
import { localAuthority, serverOrReason, startMinio, startVersitygw } from '@stowage/test-servers';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { type Ended, eventsOf, plant, run, type Tree, treeOf, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { contentsOf, getObject, makeBucket, putObject, restrictedKeys, sha256Of } from './plain-s3.ts';

const started = await serverOrReason(async () => {
  await using authority = await localAuthority();
  return { minio: await startMinio(), versitygw: await startVersitygw(), sealed: await startMinio({ authority, region: 'eu-test-1' }) };
});
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** Why Versity's gateway cannot hold a key, from its own description and what XML can hold; this test's word, not the driver's. */
const forVersitygw = (key: string): boolean => !key.endsWith('/') && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(key);
/** Why MinIO cannot: it keeps segments as names of files, drops a leading slash and merges or refuses double ones. */
const forMinio = (key: string): boolean =>
  Buffer.byteLength(key) <= 1024 && !key.startsWith('/') && !key.includes('//') && key.split('/').every((segment) => Buffer.byteLength(segment) <= 255);

const contentOf = (key: string): string => `content of ${JSON.stringify(key)}`;
const contentsByKey = (keys: readonly string[]): Record<string, string> => Object.fromEntries(keys.map((key) => [key, sha256Of(contentOf(key))]));

/** Files of Stowage's own, which keep what a disk has no place for: content types and metadata. */
const OWN = /^\.stowage[/\\]/;
const withoutHeaders = (tree: Tree = {}): Tree => Object.fromEntries(Object.entries(tree).filter(([name]) => !OWN.test(name)));

/** Hashes of all files, whatever their names. */
function contentsOnDisk(root: string): string[] {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => !OWN.test(relative(root, path)));
  return paths.map((path) => sha256Of(readFileSync(path))).toSorted();
}

if (started.server === undefined) test('sync over S3', ({ skip }) => skip(started.missing));
else {
  const servers = started.server;
  type Store = keyof typeof servers;
  afterAll(async () => {
    for (const server of Object.values(servers)) await server.stop();
  }, 60_000);

  let buckets: Record<Store, string[]>;
  let count = 0;
  beforeEach(() => {
    buckets = { minio: [], versitygw: [], sealed: [] };
    if (servers.sealed.ca !== undefined) writeFileSync(at('ca.pem'), servers.sealed.ca);
  });
  /** A new bucket, which the configuration has from then on; its link. */
  const make = async (store: Store): Promise<string> => {
    const name = `${store}-${++count}`;
    await makeBucket(servers[store], name);
    buckets[store].push(name);
    return name;
  };
  const configuration = (): string =>
    (Object.keys(servers) as Store[])
      .filter((store) => buckets[store].length > 0)
      .map((store) => {
        const { endpoint, region, accessKeyId, secretAccessKey } = servers[store];
        return [
          `${store}:`,
          '  provider: minio',
          `  store: ${store === 'versitygw' ? 'versitygw' : 'minio'}`,
          `  endpoint: ${endpoint}`,
          `  region: ${region}`,
          `  access_key: ${accessKeyId}`,
          `  secret_key: ${secretAccessKey}`,
          ...(store === 'sealed' ? ['  ca: { file: ca.pem }'] : []),
          `  buckets: [${buckets[store].join(', ')}]`,
          '',
        ].join('\n');
      })
      .join('');
  const command = (...args: string[]): Promise<Ended> => {
    writeFileSync(at('remote_links.yml'), configuration());
    return run([...args, '--no-progress'], { cwd: folder.path });
  };
  const conflictsOf = ({ stdout }: Ended): string[] =>
    eventsOf(stdout)
      .filter(({ outcome }) => outcome === 'conflict')
      .map(({ key }) => String(key));

  describe('odd keys', () => {
    const keys = ODD_KEYS.map(({ key }) => key).filter(forMinio);
    it('go MinIO → Versity → MinIO and MinIO → disk → MinIO, each key exact or a conflict that is told', { timeout: 120_000 }, async () => {
      const [first, second, third] = [await make('minio'), await make('minio'), await make('minio')];
      const gateway = await make('versitygw');
      for (const key of keys) await putObject(servers.minio, first, key, contentOf(key));
      const all = contentsByKey(keys);
      expect(await contentsOf(servers.minio, first)).toEqual(all);

      const over = await command('sync', `s3://${first}`, `s3://${gateway}`, '--json');
      const held = keys.filter(forVersitygw);
      expect(held.length).toBeGreaterThan(40);
      expect(await contentsOf(servers.versitygw, gateway)).toEqual(contentsByKey(held));
      expect(conflictsOf(over).toSorted()).toEqual(keys.filter((key) => !forVersitygw(key)).toSorted());
      expect(over.code).toBe(1);
      expect(eventsOf(over.stdout).at(-1)).toMatchObject({ event: 'end', balanced: true, keys: keys.length, counts: { failed: { objects: 0 } } });

      expect((await command('sync', `s3://${gateway}`, `s3://${second}`)).code).toBe(0);
      expect(await contentsOf(servers.minio, second)).toEqual(contentsByKey(held));

      expect(await command('sync', `s3://${first}`, 'disk')).toMatchObject({ code: 0, stderr: '' });
      expect(contentsOnDisk(at('disk'))).toEqual(Object.values(all).toSorted());
      expect(await command('sync', 'disk', `s3://${third}`)).toMatchObject({ code: 0, stderr: '' });
      expect(await contentsOf(servers.minio, third)).toEqual(all);
    });

    it('that are named as files of our own go to disk and back, and are none of these', async () => {
      const [source, back] = [await make('minio'), await make('minio')];
      const temporary = '.stowage-0123456789ab-1-1-1.tmp';
      const tree = { [temporary]: '1', [`d/${temporary}`]: '2', '.stowage/meta/x': '3', '.STOWAGE/x': '4', [`%2E${temporary.slice(1)}`]: '5', '%00': '6' };
      for (const [key, content] of Object.entries(tree)) await putObject(servers.minio, source, key, content);
      const wanted = Object.fromEntries(Object.entries(tree).map(([key, content]) => [key, sha256Of(content)]));
      for (let again = 0; again < 2; again++) expect(await command('sync', `s3://${source}`, 'disk', '--delete')).toMatchObject({ code: 0, stderr: '' });
      expect(await command('sync', 'disk', `s3://${back}`)).toMatchObject({ code: 0, stderr: '' });
      expect(await contentsOf(servers.minio, back)).toEqual(wanted);
    });

    it('go from disk into a prefix, and nothing beside it is touched', async () => {
      const bucket = await make('minio');
      const tree = { a: '1', 'd/b c+%41#?': '2', 'ü/😀': '3' };
      plant(at('from'), tree);
      for (const key of ['2020-old/x', '2020', 'z']) await putObject(servers.minio, bucket, key.replace(/^2020$/, '2021'), key);
      expect(await command('sync', 'from', `s3://${bucket}/2020`, '--delete')).toMatchObject({ code: 0, stderr: '' });
      expect(Object.keys(await contentsOf(servers.minio, bucket)).toSorted()).toEqual(
        ['2020-old/x', '2020/a', '2020/d/b c+%41#?', '2020/ü/😀', '2021', 'z'].toSorted(),
      );
      expect(await command('sync', `s3://${bucket}/2020/`, 'back')).toMatchObject({ code: 0, stderr: '' });
      expect(withoutHeaders(treeOf(at('back')))).toEqual(tree);
    });
  });

  describe('keys that lie beneath other keys', () => {
    const KEYS = ['a', 'a/', 'a/b', 'a/b/c', 'a.', 'd', 'd/e', 'f/', 'f/g'];
    /** A store that holds what neither disks nor these servers can; nothing stands between it and the command but its package. */
    const flat = async (): Promise<Provider> => {
      const driver = memoryDriver({ bucket: 'flat' });
      for (const key of KEYS) await driver.put(key, Buffer.from(contentOf(key)), {});
      return { name: 'azure', schemes: ['azure'], parseConfig: () => ({}), open: () => driver };
    };
    const FLAT = 'flat:\n  provider: azure\n  endpoint: https://a.blob.core.windows.net\n  access_key: a\n  secret_key: c2VjcmV0\n  buckets: [flat]\n';

    it.each<[string, Store | undefined, readonly string[]]>([
      ['a disk', undefined, []],
      ['MinIO', 'minio', []],
      ["Versity's gateway", 'versitygw', ['f/']],
    ])('are conflicts on %s, and the rest is copied', async (_, store, alsoConflicts) => {
      const bucket = store === undefined ? 'disk' : await make(store);
      writeFileSync(at('remote_links.yml'), configuration() + FLAT);
      const azure = await flat();
      const terminal = fakeTerminal(folder.path, (name) => (name === '@stowage/azure' ? Promise.resolve({ azure }) : import(name)));
      const code = await runCli(['sync', 'azure://flat', store === undefined ? 'disk' : `s3://${bucket}`, '--json', '--no-progress'], terminal);
      const events = eventsOf(terminal.stdout.text);
      const conflicts = events.filter(({ outcome }) => outcome === 'conflict').map(({ key }) => String(key));
      expect(conflicts).toEqual(['a/', 'a/b', 'a/b/c', 'd/e', ...alsoConflicts]);
      expect(events.at(-1)).toMatchObject({ event: 'end', keys: KEYS.length, balanced: true, counts: { failed: { objects: 0 } } });
      expect(code).toBe(1);
      const held = KEYS.filter((key) => !conflicts.includes(key));
      if (store === undefined) expect(contentsOnDisk(at('disk'))).toEqual(Object.values(contentsByKey(held)).toSorted());
      else expect(await contentsOf(servers[store], bucket)).toEqual(contentsByKey(held));
    });
  });

  describe('a mirror', () => {
    it.each<[string, Store, Store]>([
      ['within one server', 'minio', 'minio'],
      ['from one server to another', 'versitygw', 'minio'],
      ['to the other', 'minio', 'versitygw'],
    ])('updates, deletes and then finds nothing to do: %s', { timeout: 60_000 }, async (_, from, to) => {
      const [source, destination] = [await make(from), await make(to)];
      for (const [key, content] of [
        ['same', 's'],
        ['d/changed', 'new content'],
        ['d/new', 'n'],
      ] as const)
        await putObject(servers[from], source, key, content);
      for (const [key, content] of [
        ['d/changed', 'old'],
        ['extra', 'e'],
      ] as const)
        await putObject(servers[to], destination, key, content);
      const places = [`s3://${source}`, `s3://${destination}`];
      const planned = await command('plan', ...places, '--delete');
      expect(planned.stdout).toMatch(/^update +d\/changed {2}\(size\)\ncopy +d\/new\n(?:copy +same\ndelete +extra|delete +extra\ncopy +same)\n/);
      expect(Object.keys(await contentsOf(servers[to], destination))).toHaveLength(2);
      expect((await command('check', ...places)).code).toBe(6);
      expect(await command('sync', ...places, '--delete')).toMatchObject({ code: 0, stderr: '' });
      expect(await contentsOf(servers[to], destination)).toEqual(await contentsOf(servers[from], source));
      expect((await command('sync', ...places, '--delete')).stdout).toContain('0 to copy: in sync already.');
      expect((await command('check', ...places, '--checksum')).stdout).toContain('No differences.');
      // One byte at the same size, and younger than its copy.
      await putObject(servers[from], source, 'same', 'S');
      expect((await command('check', ...places, '--checksum')).code).toBe(6);
      expect((await command('sync', ...places, '--checksum')).stdout).toMatch(/updated +1 +1 B/);
      expect(await contentsOf(servers[to], destination)).toEqual(await contentsOf(servers[from], source));
    });

    it('takes objects of several parts, and goes over TLS with an authority of our own', { timeout: 60_000 }, async () => {
      const [sealed, gateway] = [await make('sealed'), await make('versitygw')];
      const large = Buffer.alloc(21 * 1024 * 1024 + 11, 'not all the same ').map((byte, i) => byte ^ (i >> 12));
      mkdirSync(at('from'));
      writeFileSync(at('from/large.bin'), large);
      writeFileSync(at('from/empty'), '');
      const wanted = { 'large.bin': sha256Of(large), empty: sha256Of('') };
      expect(await command('sync', 'from', `s3://${sealed}`)).toMatchObject({ code: 0, stderr: '' });
      expect(await contentsOf(servers.sealed, sealed)).toEqual(wanted);
      expect(await command('sync', `s3://${sealed}`, `s3://${gateway}/x/`)).toMatchObject({ code: 0, stderr: '' });
      expect(await contentsOf(servers.versitygw, gateway)).toEqual({ 'x/large.bin': wanted['large.bin'], 'x/empty': wanted.empty });
      expect(await command('sync', `s3://${gateway}/x`, 'to')).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(at('to/large.bin')).equals(large)).toBe(true);
      expect(statSync(at('to/empty')).size).toBe(0);
    });

    it('carries content type, cache headers and metadata: between servers, within one, and over a disk', { timeout: 60_000 }, async () => {
      const headers = {
        'content-type': 'image/jpeg',
        'cache-control': 'max-age=60, public',
        'content-disposition': 'inline; filename="a b.jpg"',
        'content-language': 'de',
        'x-amz-meta-camera': 'front  left',
        'x-amz-meta-empty': '',
      };
      const wanted = { ...headers };
      const [source, own, other, back] = [await make('minio'), await make('minio'), await make('versitygw'), await make('minio')];
      await putObject(servers.minio, source, 'd/a.jpg', 'jpeg', headers);
      for (const [from, to] of [
        [`s3://${source}`, `s3://${own}`],
        [`s3://${source}`, `s3://${other}`],
        [`s3://${source}`, 'disk'],
        ['disk', `s3://${back}`],
      ] as const)
        expect(await command('sync', from, to)).toMatchObject({ code: 0, stderr: '' });
      for (const [store, bucket] of [
        ['minio', own],
        ['versitygw', other],
        ['minio', back],
      ] as const)
        expect((await getObject(servers[store], bucket, 'd/a.jpg')).headers, bucket).toMatchObject(wanted);
    });
  });

  describe('places', () => {
    it('that lie in each other are refused before anything', async () => {
      const bucket = await make('minio');
      await putObject(servers.minio, bucket, 'x/a', '1');
      for (const [from, to] of [
        [`s3://${bucket}`, `s3://${bucket}/x/`],
        [`s3://${bucket}/x`, `minio://${bucket}`],
        [`s3://${bucket}/x`, `S3://${bucket}/x/`],
      ] as const) {
        const { code, stderr } = await command('sync', from, to, '--delete');
        expect(stderr).toMatch(/^stowage-mirror: (?:source and destination are one place|the source lies inside|the destination lies inside)/);
        expect(code).toBe(5);
      }
      expect(await command('sync', `s3://${bucket}/x`, `s3://${bucket}/y`)).toMatchObject({ code: 0 });
      expect(Object.keys(await contentsOf(servers.minio, bucket))).toEqual(['x/a', 'y/a']);
    });

    it('that deny every write end the run with 4, and what is there stays', async () => {
      const bucket = await make('minio');
      await putObject(servers.minio, bucket, 'old', '1');
      const reader = await restrictedKeys(servers.minio, {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetObject', 's3:GetBucketLocation'], Resource: ['arn:aws:s3:::*'] }],
      });
      plant(at('from'), { a: '1', 'd/b': '2', old: '11' });
      const keys = `  access_key: ${reader.accessKeyId}\n  secret_key: ${reader.secretAccessKey}\n  session_token: ${reader.sessionToken}\n`;
      writeFileSync(at('reader.yml'), configuration().replace(/ {2}access_key: .*\n {2}secret_key: .*\n/, keys));
      const { code, stdout, stderr } = await run(['sync', 'from', `s3://${bucket}`, '--config', 'reader.yml', '--no-progress'], { cwd: folder.path });
      expect(stderr).toMatch(/3 failed \(AccessDenied\)/);
      expect(stdout).toContain('Nothing was copied: the destination denied every copy.');
      expect(code).toBe(4);
      expect(await contentsOf(servers.minio, bucket)).toEqual({ old: sha256Of('1') });
    });

    it('of the main storage come from .env as it is', async () => {
      const bucket = await make('minio');
      buckets.minio = [];
      const { port } = new URL(servers.minio.endpoint);
      plant(at('from'), { a: '1' });
      writeFileSync(
        at('.env'),
        [
          'STORAGE_PROVIDER=minio',
          'STORAGE_ENDPOINT=127.0.0.1',
          `STORAGE_PORT=${port}`,
          `STORAGE_ACCESS_KEY=${servers.minio.accessKeyId}`,
          `STORAGE_SECRET_KEY=${servers.minio.secretAccessKey}`,
          'STORAGE_JUPYTER_SYNC=false',
          'CACHE_STORAGE_SIZE=10g',
          '',
        ].join('\n'),
      );
      expect(await run(['sync', 'from', `s3://${bucket}/p/`, '--no-progress'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' });
      expect(await contentsOf(servers.minio, bucket)).toEqual({ 'p/a': sha256Of('1') });
    });
  });
}
