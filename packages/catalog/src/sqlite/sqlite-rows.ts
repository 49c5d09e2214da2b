import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { BulkReads, BulkRows, NamedId, TextInDataset } from '../database.ts';
import { ENTITY_COLUMNS, type EntityRow, LINK_CHANGE_COLUMNS, type LinkChangeRow } from '../tables.ts';

const ENTITY_LIST = ENTITY_COLUMNS.join(', ');

/** Statements over thousands of rows: one prepared statement, run once for each, which in SQLite costs no way to a server. */
export class SqliteReads implements BulkReads {
  readonly #findLink: StatementSync;
  readonly #findName: StatementSync;
  readonly #entity: StatementSync;

  constructor(db: DatabaseSync) {
    this.#findLink = inArrays(db.prepare('SELECT id, name FROM entities WHERE link = ? AND dataset_id = ? ORDER BY id LIMIT 1'));
    this.#findName = inArrays(db.prepare('SELECT id FROM entities WHERE name = ? AND dataset_id = ?'));
    this.#entity = db.prepare(`SELECT ${ENTITY_LIST} FROM entities WHERE id = ?`);
  }

  async findLinks(links: readonly TextInDataset[]): Promise<(NamedId | undefined)[]> {
    return links.map(({ text, datasetId }) => {
      const found = this.#findLink.get(text, datasetId) as [number, string] | undefined;
      return found === undefined ? undefined : { id: found[0], name: found[1] };
    });
  }

  async findNames(names: readonly TextInDataset[]): Promise<(number | undefined)[]> {
    return names.map(({ text, datasetId }) => firstNumber(this.#findName.get(text, datasetId)));
  }

  async entities(ids: readonly number[]): Promise<EntityRow[]> {
    const rows: EntityRow[] = [];
    for (const id of ids) {
      const row = this.#entity.get(id);
      if (row !== undefined) rows.push(row as unknown as EntityRow);
    }
    return rows;
  }
}

/** To be used in a transaction that holds SQLite's one write lock: nothing has to be locked beyond it. */
export class SqliteRows extends SqliteReads implements BulkRows {
  readonly #dataset: StatementSync;
  readonly #lastId: StatementSync;
  readonly #insertEntity: StatementSync;
  readonly #updateEntity: StatementSync;
  readonly #insertChange: StatementSync;
  readonly #deleteEntity: StatementSync;

  constructor(db: DatabaseSync) {
    super(db);
    this.#dataset = db.prepare('SELECT 1 FROM datasets WHERE id = ?');
    this.#lastId = inArrays(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entities'"));
    this.#insertEntity = db.prepare(`INSERT INTO entities (${ENTITY_LIST}) VALUES (${ENTITY_COLUMNS.map(() => '?').join(', ')})`);
    this.#updateEntity = db.prepare(
      `UPDATE entities SET (${ENTITY_COLUMNS.slice(1).join(', ')}) = (${ENTITY_COLUMNS.slice(1)
        .map(() => '?')
        .join(', ')}) WHERE id = ?`,
    );
    this.#insertChange = db.prepare(`INSERT INTO link_changes (${LINK_CHANGE_COLUMNS.join(', ')}) VALUES (${LINK_CHANGE_COLUMNS.map(() => '?').join(', ')})`);
    this.#deleteEntity = db.prepare('DELETE FROM entities WHERE id = ?');
  }

  async lockDatasets(ids: readonly number[]): Promise<Set<number>> {
    return new Set(ids.filter((id) => this.#dataset.get(id) !== undefined));
  }

  lockEntities(ids: readonly number[]): Promise<EntityRow[]> {
    return this.entities(ids);
  }

  async reserveEntityIds(count: number): Promise<number[]> {
    const last = firstNumber(this.#lastId.get()) ?? 0;
    return Array.from({ length: count }, (_, i) => last + 1 + i);
  }

  async insertEntities(rows: readonly EntityRow[]): Promise<void> {
    for (const row of rows) this.#insertEntity.run(...values(row));
  }

  async updateEntities(rows: readonly EntityRow[]): Promise<void> {
    for (const row of rows) {
      const [id = null, ...others] = values(row);
      this.#updateEntity.run(...others, id);
    }
  }

  async insertLinkChanges(rows: readonly LinkChangeRow[]): Promise<void> {
    for (const row of rows) this.#insertChange.run(...LINK_CHANGE_COLUMNS.map((column) => row[column]));
  }

  async deleteEntities(ids: readonly number[]): Promise<number> {
    let deleted = 0;
    for (const id of ids) deleted += Number(this.#deleteEntity.run(id).changes);
    return deleted;
  }
}

/** Written out: a loop over the columns takes a fifth of the time of an import. */
function values(row: EntityRow): SQLInputValue[] {
  return [
    row.id,
    row.dataset_id,
    row.name,
    row.local,
    row.link,
    row.link_etag,
    row.link_version,
    row.hash,
    row.size,
    row.mime,
    row.width,
    row.height,
    row.meta,
    row.tags,
    row.version,
    row.created_at,
    row.updated_at,
  ];
}

/** Rows as arrays: an object for each row costs twice. */
function inArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

function firstNumber(row: unknown): number | undefined {
  const first: unknown = Array.isArray(row) ? row[0] : undefined;
  return typeof first === 'number' ? first : undefined;
}
