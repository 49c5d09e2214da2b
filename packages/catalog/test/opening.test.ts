import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspect } from 'node:util';
import { localAuthority, type PostgresServer, serverOrReason, startPostgres } from '@stowage/test-servers';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isCatalogError, openCatalog } from '../src/index.ts';
import { onEachEngine, withDataset } from './engines.ts';

async function failure(opening: Promise<unknown>): Promise<Error & { code: string; retryable: boolean }> {
  const error: unknown = await opening.then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  if (!isCatalogError(error)) throw new Error(`expected a CatalogError; got ${inspect(error)}`);
  expect(error.message).not.toContain('\n');
  return error;
}

onEachEngine('opening', (engine) => {
  it('by several at once makes one catalog', async () => {
    const catalogs = await Promise.all([engine.open(), engine.open(), engine.open(), engine.open()]);
    await Promise.all(catalogs.map((catalog, i) => catalog.projects.create({ name: `p${i}`, type: 'images' })));
    expect(await catalogs[0]?.projects.list()).toHaveLength(4);
  });

  it('finds no catalog where there is none and none shall be made', async () => {
    const error = await failure(engine.open({ create: false }));
    expect(error).toMatchObject({ code: 'NotFound', message: expect.stringContaining('there is no catalog') });
    await engine.open();
    await expect(engine.open({ create: false })).resolves.toMatchObject({ engine: engine.name });
  });
});

describe('an SQLite file', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stowage-catalog-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('of a newer schema is refused and left as it is', async () => {
    const path = join(folder, 'newer.db');
    await (await openCatalog(path)).close();
    const db = new DatabaseSync(path);
    db.exec('UPDATE catalog_version SET version = 99');
    expect(await failure(openCatalog(path))).toMatchObject({
      code: 'NewerSchema',
      message: `${path} was made by a newer Stowage: its schema is version 99, this one knows 1. Update @stowage/catalog, or open another catalog.`,
    });
    expect(db.prepare('SELECT version FROM catalog_version').get()).toEqual({ version: 99 });
    db.close();
  });

  it('of another program is refused and left as it is', async () => {
    const path = join(folder, 'other.db');
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE projects (id)');
    expect(await failure(openCatalog(path))).toMatchObject({ code: 'NotACatalog', message: expect.stringContaining('another program') });
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    db.close();
    const text = join(folder, 'links.txt');
    await writeFile(text, 's3://cars/a.jpg\n'.repeat(100));
    expect(await failure(openCatalog(text))).toMatchObject({ code: 'NotACatalog', message: expect.stringContaining('is no SQLite file') });
    const empty = join(folder, 'empty.db');
    await writeFile(empty, '');
    expect(await failure(openCatalog(empty, { create: false }))).toMatchObject({ code: 'NotACatalog' });
  });

  it('cannot lie in a folder that is not there, nor in memory', async () => {
    expect(await failure(openCatalog(join(folder, 'none/catalog.db')))).toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('its folder must exist'),
    });
    expect(await failure(openCatalog(folder))).toMatchObject({ code: 'AccessDenied' });
    expect(await failure(openCatalog(':memory:'))).toMatchObject({ code: 'InvalidArgument' });
  });

  it('that another writer keeps is waited for, then told, and free again behind that', async () => {
    const path = join(folder, 'locked.db');
    await using catalog = await openCatalog(path, { lockTimeoutMs: 100 });
    const { datasetId } = await withDataset(catalog);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const error = await failure(catalog.entities.add([{ datasetId, name: 'a.jpg' }]));
    expect(error).toMatchObject({ code: 'Locked', retryable: true, message: expect.stringContaining('was in use by another process for 0.1 s') });
    expect(await catalog.entities.count()).toMatchObject({ entities: 0 });
    await using patient = await openCatalog(path);
    const added = patient.entities.add([{ datasetId, name: 'a.jpg' }]);
    setTimeout(() => other.exec('COMMIT'), 50);
    expect(await added).toMatchObject([{ kind: 'added' }]);
    other.close();
  });

  it('that was damaged is told so', async () => {
    const path = join(folder, 'damaged.db');
    const catalog = await openCatalog(path);
    const { datasetId } = await withDataset(catalog);
    await catalog.entities.add(Array.from({ length: 2000 }, (_, i) => ({ datasetId, name: `${i}.jpg` })));
    await catalog.close();
    const db = new DatabaseSync(path);
    const { pages } = db.prepare('SELECT page_count AS pages FROM pragma_page_count').get() as { pages: number };
    db.close();
    const content = await readFile(path);
    content.fill(0xff, 4096 * 4, 4096 * (pages - 1));
    await writeFile(path, content);
    const reading = async (): Promise<unknown> => {
      await using damaged = await openCatalog(path);
      return await damaged.fingerprint();
    };
    expect(await failure(reading())).toMatchObject({ code: 'Damaged', message: expect.stringContaining('restore a backup') });
  });
});

describe('a PostgreSQL database', () => {
  let server: PostgresServer | undefined;
  let missing: string | undefined;
  let ca = '';
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stowage-catalog-'));
    ({ server, missing } = await serverOrReason(async () => {
      await using authority = await localAuthority();
      ca = join(folder, 'ca.crt');
      await writeFile(ca, authority.ca);
      return await startPostgres({ authority });
    }));
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach((context) => {
    if (server === undefined) context.skip(missing);
  });
  const url = (change: (url: URL) => void = () => {}): string => {
    const place = new URL(server?.url ?? '');
    change(place);
    return place.href;
  };

  it('shows no password, neither in messages nor in what hangs on them', async () => {
    const wrong = await failure(openCatalog(url((place) => (place.password = 'canary-7f3'))));
    expect(wrong).toMatchObject({ code: 'Unauthenticated', message: expect.stringContaining('does not accept this user and password') });
    const closed = await failure(openCatalog('postgres://me:canary-7f3@127.0.0.1:1/x'));
    expect(closed).toMatchObject({ code: 'Unavailable', retryable: true, message: expect.stringContaining('postgres://me@127.0.0.1:1/x') });
    const broken = await failure(openCatalog('postgres://me:canary-7f3@[/x'));
    expect(broken).toMatchObject({ code: 'InvalidArgument' });
    const mode = await failure(openCatalog('postgres://me:canary-7f3@127.0.0.1:1/x?sslmode=maybe'));
    expect(mode).toMatchObject({ code: 'InvalidArgument', message: 'sslmode: expected disable, allow, prefer, require, verify-ca, verify-full; got "maybe"' });
    const file = await failure(openCatalog('postgres://me:canary-7f3@127.0.0.1:1/x?sslrootcert=/none.crt'));
    expect(file).toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining('/none.crt') });
    for (const error of [wrong, closed, broken, mode, file]) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
    await using catalog = await openCatalog(url());
    expect(catalog.location).toBe(url((place) => (place.password = '')));
  });

  it('that is not there, or closed to this user, is told', async () => {
    expect(await failure(openCatalog(url((place) => (place.pathname = '/none'))))).toMatchObject({
      code: 'NotFound',
      message: expect.stringContaining('no such database'),
    });
    await using admin = await connected(url());
    await admin.client.query("CREATE ROLE poor LOGIN PASSWORD 'poor'");
    const poor = url((place) => {
      place.username = 'poor';
      place.password = 'poor';
    });
    expect(await failure(openCatalog(poor, { schema: 'fresh' }))).toMatchObject({ code: 'AccessDenied', message: expect.stringContaining('CREATE SCHEMA') });
  });

  it('of a newer schema, or of another program, is refused', async () => {
    await (await openCatalog(url(), { schema: 'newer' })).close();
    await using admin = await connected(url());
    await admin.client.query('UPDATE newer.catalog_version SET version = 99; CREATE SCHEMA other; CREATE TABLE other.projects (id int)');
    expect(await failure(openCatalog(url(), { schema: 'newer' }))).toMatchObject({
      code: 'NewerSchema',
      message: expect.stringContaining('version 99, this one knows 1'),
    });
    expect(await failure(openCatalog(url(), { schema: 'other' }))).toMatchObject({ code: 'NotACatalog' });
    expect(await failure(openCatalog(url(), { schema: 'x'.repeat(64) }))).toMatchObject({ code: 'InvalidArgument' });
  });

  it('is reached as sslmode says', async () => {
    await using admin = await connected(url());
    const encrypted = async (query: string): Promise<boolean> => {
      await using catalog = await openCatalog(url((place) => (place.search = query)));
      expect(catalog.location).not.toContain('sslmode');
      const { rows } = await admin.client.query<{ ssl: boolean }>(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'stowage'",
      );
      return rows.every(({ ssl }) => ssl) && rows.length > 0;
    };
    expect(await encrypted('?sslmode=disable')).toBe(false);
    for (const mode of ['allow', 'prefer', 'require']) expect(await encrypted(`?sslmode=${mode}`), mode).toBe(true);
    for (const mode of ['require', 'verify-ca', 'verify-full']) expect(await encrypted(`?sslmode=${mode}&sslrootcert=${ca}`), mode).toBe(true);
    expect(await failure(openCatalog(url((place) => (place.search = '?sslmode=verify-full'))))).toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringContaining('certificate is not trusted'),
    });
    await using plain = await startPostgres();
    expect(await failure(openCatalog(`${plain.url}?sslmode=require`))).toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringContaining('has no TLS'),
    });
    await using preferred = await openCatalog(`${plain.url}?sslmode=prefer`);
    expect(await preferred.projects.list()).toEqual([]);
  });

  it('keeps nothing of a transaction whose connection was ended, and works on with a new one', async () => {
    await using catalog = await openCatalog(url(), { schema: 'ended', maxConnections: 1 });
    const { datasetId } = await withDataset(catalog);
    await using admin = await connected(url());
    // The dataset is held, so that the batch stands in the middle of its transaction when its connection ends.
    await admin.client.query('BEGIN; SELECT * FROM ended.datasets FOR UPDATE');
    const adding = failure(catalog.entities.add([{ datasetId, name: 'a.jpg' }]));
    await using killer = await connected(url());
    const waiting = "application_name = 'stowage' AND wait_event_type = 'Lock'";
    while ((await killer.client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${waiting}`)).rowCount === 0);
    expect(await adding).toMatchObject({ code: 'Unavailable', retryable: true, message: expect.stringContaining('run again') });
    await admin.client.query('COMMIT');
    expect(await catalog.entities.count()).toMatchObject({ entities: 0 });
    expect(await catalog.entities.add([{ datasetId, name: 'a.jpg' }])).toMatchObject([{ kind: 'added' }]);
  });

  it('waits for another writer, then says so', async () => {
    await using catalog = await openCatalog(url(), { schema: 'locked', lockTimeoutMs: 100 });
    const { datasetId } = await withDataset(catalog);
    await using admin = await connected(url());
    await admin.client.query('BEGIN; SELECT * FROM locked.datasets FOR UPDATE');
    expect(await failure(catalog.entities.add([{ datasetId, name: 'a.jpg' }]))).toMatchObject({ code: 'Locked', retryable: true });
    await admin.client.query('COMMIT');
    expect(await catalog.entities.add([{ datasetId, name: 'a.jpg' }])).toMatchObject([{ kind: 'added' }]);
  });

  it('that goes away is told, in a call under way and in those behind it', async () => {
    const own = await startPostgres();
    await using catalog = await openCatalog(own.url, { connectTimeoutMs: 2000 });
    const { datasetId } = await withDataset(catalog);
    const adding = failure(
      (async () => {
        for (let i = 0; ; i++) await catalog.entities.add([{ datasetId, name: `${i}.jpg` }]);
      })(),
    );
    await own.stop();
    expect(await adding).toMatchObject({ code: 'Unavailable', retryable: true });
    expect(await failure(catalog.projects.list())).toMatchObject({ code: 'Unavailable' });
  });
});

async function connected(connectionString: string): Promise<{ readonly client: Client } & AsyncDisposable> {
  const client = new Client({ connectionString });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
