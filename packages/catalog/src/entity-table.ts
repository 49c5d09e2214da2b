import { CatalogError } from './catalog-error.ts';
import { addEntities } from './add-entities.ts';
import type { CanonicalLink } from './canonical-links.ts';
import type { Database, TextInDataset } from './database.ts';
import type { AddOptions, Entities, LinkInDataset, NameInDataset } from './entities.ts';
import type { AddOutcome, Entity, EntityPatch, NameConflict, NewEntity, PatchOutcome } from './entity.ts';
import type { DatasetCounts, EntityCounts, EntityFilter, EntityOrder, EntityPage, PageOptions, StreamOptions } from './entity-filter.ts';
import { assertScope, conditions, datasetsOf, hasScope, readCursor, readPage, selectionOf, writeCursor } from './entity-pages.ts';
import { applyPatches, assertPatch } from './entity-patches.ts';
import { entityOf } from './entity-row.ts';
import { type Id, type IdLike, parseId, readId } from './id.ts';
import { assertRunOpen, checkpointRow, writeCheckpoint } from './import-table.ts';
import { linkChangeOf } from './link-change-row.ts';
import type { LinkChange, RemoteOutcome, SetRemoteOptions, UnlinkOutcome, UnlinkPlan, UnlinkRequest } from './link-change.ts';
import { wantedRow } from './new-entity-row.ts';
import { quoted } from './quoted.ts';
import { setRemote } from './set-remote.ts';
import { planUnlink, unlink } from './unlink.ts';
import { type Kysely, sql } from 'kysely';
import type { Tables } from './tables.ts';

/** Items of one call, which are one transaction. */
const MOST_AT_ONCE = 100_000;
const PAGE = 1000;
const LARGEST_PAGE = 10_000;
const CONFLICTS: ReadonlySet<NameConflict> = new Set(['rename', 'skip', 'replace']);

export class EntityTable implements Entities {
  readonly #database: Database;
  readonly #canonical: (link: string) => CanonicalLink;
  readonly #now: () => Date;

  constructor(database: Database, canonical: (link: string) => CanonicalLink, now: () => Date) {
    this.#database = database;
    this.#canonical = canonical;
    this.#now = now;
  }

  async add(entities: readonly NewEntity[], o: AddOptions = {}): Promise<AddOutcome[]> {
    assertCount(entities.length, 'entities');
    const { onNameTaken = 'rename' } = o;
    if (!CONFLICTS.has(onNameTaken)) {
      throw new CatalogError('InvalidArgument', `onNameTaken: expected ${[...CONFLICTS].join(', ')}; got ${quoted(onNameTaken)}`);
    }
    const wanted = entities.map((entity) => wantedRow(entity, this.#canonical));
    const checkpoint = o.checkpoint === undefined ? undefined : checkpointRow(o.checkpoint);
    if (wanted.length === 0 && checkpoint === undefined) return [];
    return this.#database.write(async (db, rows) => {
      if (checkpoint !== undefined) await assertRunOpen(db, checkpoint.run_id);
      const outcomes = wanted.length === 0 ? [] : await addEntities(wanted, onNameTaken, this.#now().getTime(), rows);
      if (checkpoint !== undefined) await writeCheckpoint(db, checkpoint);
      return outcomes;
    });
  }

  async get(id: IdLike): Promise<Entity> {
    const number = parseId(id, 'an entity');
    const [found] = await this.getMany([number]);
    if (found === undefined) throw noEntity(number);
    return found;
  }

  async getMany(ids: readonly IdLike[]): Promise<(Entity | undefined)[]> {
    const numbers = ids.map((id) => parseId(id, 'an entity'));
    const rows = await this.#database.read((_db, bulk) => bulk.entities(numbers));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return numbers.map((id) => {
      const row = byId.get(id);
      return row && entityOf(row);
    });
  }

  async findLinks(links: readonly LinkInDataset[]): Promise<(Id | undefined)[]> {
    const wanted = links.map(({ datasetId, link }) => {
      const canonical = this.#canonical(link);
      return canonical.ok ? inDataset(datasetId, canonical.link) : undefined;
    });
    return this.#findAll(wanted, async (known) => {
      const found = await this.#database.read((_db, rows) => rows.findLinks(known));
      return found.map((holder) => holder?.id);
    });
  }

  findNames(names: readonly NameInDataset[]): Promise<(Id | undefined)[]> {
    const wanted = names.map(({ datasetId, name }) => inDataset(datasetId, name));
    return this.#findAll(wanted, (known) => this.#database.read((_db, rows) => rows.findNames(known)));
  }

  /** What cannot be in the tables is not asked for. */
  async #findAll(wanted: readonly (TextInDataset | undefined)[], find: (known: TextInDataset[]) => Promise<(Id | undefined)[]>): Promise<(Id | undefined)[]> {
    const found = await find(wanted.filter((one) => one !== undefined));
    let next = 0;
    return wanted.map((one) => (one === undefined ? undefined : found[next++]));
  }

  async page(filter: EntityFilter = {}, o: PageOptions = {}): Promise<EntityPage> {
    const { order, limit } = pageOptions(o);
    const selection = selectionOf(filter);
    const behind = o.cursor === undefined ? undefined : readCursor(order, o.cursor);
    const { rows, next } = await this.#database.walk(async (db) => {
      if (behind === undefined) await assertScope(db, selection);
      return readPage(db, selection, order, limit, behind);
    });
    return { entities: rows.map(entityOf), ...(next === undefined ? undefined : { cursor: writeCursor(order, next) }) };
  }

  async *pages(filter: EntityFilter = {}, { signal, ...o }: StreamOptions = {}): AsyncIterableIterator<EntityPage> {
    let cursor = o.cursor;
    do {
      signal?.throwIfAborted();
      const page = await this.page(filter, cursor === undefined ? o : { ...o, cursor });
      yield page;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async *stream(filter: EntityFilter = {}, o: StreamOptions = {}): AsyncIterableIterator<Entity> {
    for await (const page of this.pages(filter, o)) yield* page.entities;
  }

  async count(filter: EntityFilter = {}): Promise<EntityCounts> {
    const selection = selectionOf(filter);
    return this.#database.read(async (db) => {
      await assertScope(db, selection);
      return this.#counts(db, selection).executeTakeFirstOrThrow();
    });
  }

  async countByDataset(filter: EntityFilter = {}): Promise<DatasetCounts[]> {
    const selection = selectionOf(filter);
    return this.#database.read(async (db) => {
      await assertScope(db, selection);
      const rows = await this.#counts(db, selection).select('dataset_id').groupBy('dataset_id').orderBy('dataset_id').execute();
      return rows.map(({ dataset_id: datasetId, ...counts }) => ({ datasetId, ...counts }));
    });
  }

  #counts(db: Kysely<Tables>, selection: ReturnType<typeof selectionOf>) {
    const query = db
      .selectFrom('entities')
      .select(({ fn }) => [
        fn.countAll<number>().as('entities'),
        fn.count<number>('link').as('linked'),
        fn.count<number>('local').as('local'),
        sql<number>`coalesce(sum(size), 0)`.as('bytes'),
      ])
      .where((on) => on.and(conditions(on, selection)));
    return hasScope(selection) ? query.where('dataset_id', 'in', datasetsOf(db, selection)) : query;
  }

  async update(patches: readonly EntityPatch[]): Promise<PatchOutcome[]> {
    assertCount(patches.length, 'patches');
    for (const patch of patches) assertPatch(patch);
    if (patches.length === 0) return [];
    return this.#database.write((_db, rows) => applyPatches(patches, this.#now().getTime(), rows));
  }

  async remove(ids: readonly IdLike[]): Promise<number> {
    assertCount(ids.length, 'ids');
    const numbers = ids.map((id) => parseId(id, 'an entity'));
    if (numbers.length === 0) return 0;
    return this.#database.write((_db, rows) => rows.deleteEntities(numbers));
  }

  setRemote(ids: readonly IdLike[], links: readonly string[], o: SetRemoteOptions = {}): Promise<RemoteOutcome[]> {
    return setRemote(this.#database, this.#canonical, this.#now, ids, links, o);
  }

  planUnlink(ids: readonly IdLike[]): Promise<UnlinkPlan[]> {
    return planUnlink(this.#database, ids);
  }

  unlink(requests: readonly UnlinkRequest[]): Promise<UnlinkOutcome[]> {
    return unlink(this.#database, this.#now, requests);
  }

  async history(id: IdLike): Promise<LinkChange[]> {
    const number = parseId(id, 'an entity');
    return this.#database.read(async (db, rows) => {
      const changes = await db.selectFrom('link_changes').selectAll().where('entity_id', '=', number).orderBy('id').execute();
      if (changes.length === 0 && (await rows.entities([number])).length === 0) throw noEntity(number);
      return changes.map(linkChangeOf);
    });
  }
}

function noEntity(id: number): CatalogError {
  return new CatalogError('NotFound', `there is no entity ${id} in this catalog`);
}

function assertCount(count: number, what: string): void {
  if (count > MOST_AT_ONCE)
    throw new CatalogError('InvalidArgument', `expected at most ${MOST_AT_ONCE} ${what} in one call, which is one transaction; got ${count}`);
}

/** Undefined for an id that no dataset can have. */
function inDataset(datasetId: IdLike, text: string): TextInDataset | undefined {
  const id = readId(datasetId);
  return id === undefined ? undefined : { datasetId: id, text };
}

function pageOptions({ order = 'id', limit = PAGE }: PageOptions): { order: EntityOrder; limit: number } {
  if (order !== 'id' && order !== 'link') throw new CatalogError('InvalidArgument', `order: expected id or link; got ${quoted(order)}`);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE) return { order, limit };
  throw new CatalogError('InvalidArgument', `limit: expected 1 to ${LARGEST_PAGE} entities a page; got ${String(limit)}`);
}
