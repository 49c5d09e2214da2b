import { CompiledQuery, type Kysely } from 'kysely';
import type { BulkReads, BulkRows, NamedId, TextInDataset } from '../database.ts';
import { ENTITY_COLUMNS, type EntityRow, LINK_CHANGE_COLUMNS, type LinkChangeRow, type Tables } from '../tables.ts';
import { numberArray, textArray } from './array-literal.ts';

const NUMBERS: ReadonlySet<string> = new Set<keyof EntityRow | keyof LinkChangeRow>([
  'id',
  'dataset_id',
  'size',
  'width',
  'height',
  'version',
  'created_at',
  'updated_at',
  'entity_id',
  'at',
]);

/** Statements over thousands of rows, each one way to the server: columns go there as arrays. */
export class PostgresReads implements BulkReads {
  protected readonly db: Kysely<Tables>;
  /** The schema, quoted. */
  protected readonly schema: string;

  constructor(db: Kysely<Tables>, schema: string) {
    this.db = db;
    this.schema = schema;
  }

  protected async query<R>(text: string, ...values: unknown[]): Promise<R[]> {
    return (await this.db.executeQuery<R>(CompiledQuery.raw(text, values))).rows;
  }

  findLinks(links: readonly TextInDataset[]): Promise<(NamedId | undefined)[]> {
    return this.#find('link', links);
  }

  async findNames(names: readonly TextInDataset[]): Promise<(number | undefined)[]> {
    return (await this.#find('name', names)).map((found) => found?.id);
  }

  /** A lookup by index for each: joined in any other way, the order and size of the table would decide how long it takes. */
  async #find(column: 'link' | 'name', wanted: readonly TextInDataset[]): Promise<(NamedId | undefined)[]> {
    const found = Array.from<NamedId | undefined>({ length: wanted.length });
    if (wanted.length === 0) return found;
    const rows = await this.query<NamedId & { nth: number }>(
      `SELECT wanted.nth, found.id, found.name
       FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS wanted (dataset_id, value, nth)
       CROSS JOIN LATERAL (
         SELECT id, name FROM ${this.schema}.entities
         WHERE ${column} = wanted.value AND dataset_id = wanted.dataset_id ORDER BY id LIMIT 1
       ) AS found`,
      numberArray(wanted.map(({ datasetId }) => datasetId)),
      textArray(wanted.map(({ text }) => text)),
    );
    for (const { nth, id, name } of rows) found[nth - 1] = { id, name };
    return found;
  }

  entities(ids: readonly number[]): Promise<EntityRow[]> {
    return this.select(ids, '');
  }

  protected async select(ids: readonly number[], ending: string): Promise<EntityRow[]> {
    if (ids.length === 0) return [];
    return this.query<EntityRow>(`SELECT ${ENTITY_COLUMNS.join(', ')} FROM ${this.schema}.entities WHERE id = ANY($1::bigint[]) ${ending}`, numberArray(ids));
  }
}

/** To be used in the transaction that `db` stands for. Rows are locked in the order of their ids, so that two writers wait and never hold each other up. */
export class PostgresRows extends PostgresReads implements BulkRows {
  async lockDatasets(ids: readonly number[]): Promise<Set<number>> {
    if (ids.length === 0) return new Set();
    const rows = await this.query<{ id: number }>(
      `SELECT id FROM ${this.schema}.datasets WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE`,
      numberArray(ids),
    );
    return new Set(rows.map(({ id }) => id));
  }

  lockEntities(ids: readonly number[]): Promise<EntityRow[]> {
    return this.select(ids, 'ORDER BY id FOR NO KEY UPDATE');
  }

  async reserveEntityIds(count: number): Promise<number[]> {
    if (count === 0) return [];
    // As one text: a row for each would cost more than the ids.
    const [row] = await this.query<{ ids: string }>(
      `SELECT string_agg(nextval('${this.schema.replaceAll("'", "''")}.entities_id_seq')::text, ',') AS ids FROM generate_series(1, $1)`,
      count,
    );
    return (row?.ids ?? '').split(',').map(Number);
  }

  async insertEntities(rows: readonly EntityRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.query(
      `INSERT INTO ${this.schema}.entities (${ENTITY_COLUMNS.join(', ')}) SELECT * FROM unnest(${arrayTypes(ENTITY_COLUMNS)})`,
      ...arrays(ENTITY_COLUMNS, rows),
    );
  }

  async updateEntities(rows: readonly EntityRow[]): Promise<void> {
    if (rows.length === 0) return;
    const set = ENTITY_COLUMNS.filter((column) => column !== 'id').map((column) => `${column} = new.${column}`);
    await this.query(
      `UPDATE ${this.schema}.entities AS old SET ${set.join(', ')}
       FROM unnest(${arrayTypes(ENTITY_COLUMNS)}) AS new (${ENTITY_COLUMNS.join(', ')}) WHERE old.id = new.id`,
      ...arrays(ENTITY_COLUMNS, rows),
    );
  }

  async insertLinkChanges(rows: readonly LinkChangeRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.query(
      `INSERT INTO ${this.schema}.link_changes (${LINK_CHANGE_COLUMNS.join(', ')}) SELECT * FROM unnest(${arrayTypes(LINK_CHANGE_COLUMNS)})`,
      ...arrays(LINK_CHANGE_COLUMNS, rows),
    );
  }

  async deleteEntities(ids: readonly number[]): Promise<number> {
    const rows = await this.query(`DELETE FROM ${this.schema}.entities WHERE id = ANY($1::bigint[]) RETURNING 1`, numberArray(ids));
    return rows.length;
  }
}

function arrayTypes(columns: readonly string[]): string {
  return columns.map((column, i) => `$${i + 1}::${NUMBERS.has(column) ? 'bigint' : 'text'}[]`).join(', ');
}

/** One array literal for each column. */
function arrays<R extends EntityRow | LinkChangeRow>(columns: readonly (keyof R & string)[], rows: readonly R[]): string[] {
  return columns.map((column) => {
    const values: unknown[] = rows.map((row) => row[column]);
    return NUMBERS.has(column) ? numberArray(values as (number | null)[]) : textArray(values as (string | null)[]);
  });
}
