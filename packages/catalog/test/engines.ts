import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, serverOrReason, startPostgres } from '@stowage/test-servers';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { type Catalog, openCatalog, type OpenCatalogOptions } from '../src/index.ts';

/** An engine with a fresh place for each test. */
export interface TestEngine {
  readonly name: Catalog['engine'];
  /** What children need to open the same place. */
  place(): { readonly location: string; readonly schema: string };
  /** Opens this test's catalog; as often as wanted, as several processes would. It is closed behind the test. */
  open(o?: OpenCatalogOptions): Promise<Catalog>;
}

/** The same tests on SQLite and on a real PostgreSQL. Where there is none, its half is skipped with the reason. */
export function onEachEngine(title: string, tests: (engine: TestEngine) => void): void {
  describe(`${title}: sqlite`, () => {
    let folder = '';
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'stowage-catalog-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));
    tests(testEngine('sqlite', () => join(folder, `${randomUUID()}.db`)));
  });
  describe(`${title}: postgres`, () => {
    let server: PostgresServer | undefined;
    let missing: string | undefined;
    beforeAll(async () => {
      ({ server, missing } = await serverOrReason(() => startPostgres()));
    });
    afterAll(() => server?.stop());
    beforeEach((context) => {
      if (server === undefined) context.skip(missing);
    });
    tests(testEngine('postgres', () => server?.url ?? ''));
  });
}

function testEngine(name: Catalog['engine'], fresh: () => string): TestEngine {
  let place = { location: '', schema: '' };
  let opened: Catalog[] = [];
  beforeEach(() => {
    place = { location: fresh(), schema: `test_${randomUUID()}` };
    return async () => {
      for (const catalog of opened) await catalog.close();
      opened = [];
    };
  });
  return {
    name,
    place: () => place,
    async open(o = {}) {
      const catalog = await openCatalog(place.location, { schema: place.schema, ...o });
      opened.push(catalog);
      return catalog;
    },
  };
}

/** A project with one dataset, to put entities into. */
export async function withDataset(catalog: Catalog, name = 'cars', type: 'images' | 'videos' = 'images'): Promise<{ projectId: number; datasetId: number }> {
  const { id: projectId } = await catalog.projects.ensure({ name, type });
  const { id: datasetId } = await catalog.datasets.ensure({ projectId, name: 'all' });
  return { projectId, datasetId };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
