import type { Insertable, Kysely, Selectable } from 'kysely';
import { CatalogError } from './catalog-error.ts';
import type { Database } from './database.ts';
import type { Json } from './entity.ts';
import { type IdLike, parseId } from './id.ts';
import type { Checkpoint, ImportRun, Imports } from './import-run.ts';
import { assertNo, longer, MAX_LINK_BYTES, MAX_NAME_BYTES, textFault } from './names.ts';
import { jsonText } from './new-entity-row.ts';
import type { Tables } from './tables.ts';

export class ImportTable implements Imports {
  readonly #database: Database;
  readonly #now: () => Date;

  constructor(database: Database, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  async open(key: string): Promise<ImportRun> {
    assertNo(labelFault(key, 'key', MAX_NAME_BYTES), 'import');
    return this.#database.write(async (db) => {
      const made = await db
        .insertInto('import_runs')
        .values({ key, started_at: this.#now().getTime(), finished_at: null })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (made !== undefined) return runOf(db, made, false);
      const open = await db.selectFrom('import_runs').selectAll().where('key', '=', key).where('finished_at', 'is', null).executeTakeFirst();
      if (open === undefined) throw new CatalogError('Unknown', 'the import was finished by another process at this moment: run again');
      return runOf(db, open, true);
    });
  }

  async get(id: IdLike): Promise<ImportRun> {
    const number = parseId(id, 'an import');
    return this.#database.read(async (db) => {
      const row = await db.selectFrom('import_runs').selectAll().where('id', '=', number).executeTakeFirst();
      if (row === undefined) throw noRun(number);
      return runOf(db, row, row.finished_at === null);
    });
  }

  async finish(id: IdLike): Promise<void> {
    const number = parseId(id, 'an import');
    await this.#database.write(async (db) => {
      const { numUpdatedRows } = await db
        .updateTable('import_runs')
        .set((on) => ({ finished_at: on.fn.coalesce('finished_at', on.val(this.#now().getTime())) }))
        .where('id', '=', number)
        .executeTakeFirst();
      if (Number(numUpdatedRows) === 0) throw noRun(number);
    });
  }

  async prune(before: Date, { unfinished = false }: { readonly unfinished?: boolean } = {}): Promise<number> {
    const time = before.getTime();
    const { numDeletedRows } = await this.#database.write((db) =>
      db
        .deleteFrom('import_runs')
        .where((on) => {
          const finished = on('finished_at', '<', time);
          return unfinished ? on.or([finished, on.and([on('finished_at', 'is', null), on('started_at', '<', time)])]) : finished;
        })
        .executeTakeFirst(),
    );
    return Number(numDeletedRows);
  }
}

type SourceRow = Insertable<Tables['import_sources']>;

/** A checkpoint as columns. Throws `InvalidArgument`. */
export function checkpointRow({ runId, source, offset, line, finished = false, state = null }: Checkpoint): SourceRow {
  assertNo(labelFault(source, 'source', MAX_LINK_BYTES), 'checkpoint');
  for (const [name, value] of Object.entries({ offset, line })) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new CatalogError('InvalidArgument', `checkpoint: ${name}: expected a whole number from 0; got ${value}`);
  }
  const text = jsonText(state);
  if (text === undefined) throw new CatalogError('InvalidArgument', 'checkpoint: state holds what JSON cannot say');
  return { run_id: parseId(runId, 'an import'), source, byte_offset: offset, line, finished: finished ? 1 : 0, state: text };
}

/** Throws where the run is not there, or was finished: its checkpoints would say what no run reads. */
export async function assertRunOpen(db: Kysely<Tables>, id: number): Promise<void> {
  const run = await db.selectFrom('import_runs').select('finished_at').where('id', '=', id).executeTakeFirst();
  if (run === undefined) throw noRun(id);
  if (run.finished_at !== null) throw new CatalogError('InvalidArgument', `the import ${id} is finished: open its key again to begin a new one`);
}

export async function writeCheckpoint(db: Kysely<Tables>, row: SourceRow): Promise<void> {
  const { run_id: _run, source: _source, ...progress } = row;
  await db
    .insertInto('import_sources')
    .values(row)
    .onConflict((conflict) => conflict.columns(['run_id', 'source']).doUpdateSet(progress))
    .execute();
}

async function runOf(db: Kysely<Tables>, row: Selectable<Tables['import_runs']>, resumed: boolean): Promise<ImportRun> {
  const sources =
    resumed || row.finished_at !== null ? await db.selectFrom('import_sources').selectAll().where('run_id', '=', row.id).orderBy('id').execute() : [];
  return {
    id: row.id,
    key: row.key,
    startedAt: new Date(row.started_at),
    ...(row.finished_at === null ? undefined : { finishedAt: new Date(row.finished_at) }),
    resumed,
    sources: sources.map(({ source, byte_offset: offset, line, finished, state }) => ({
      source,
      offset,
      line,
      finished: finished === 1,
      state: JSON.parse(state) as Json,
    })),
  };
}

function labelFault(text: string, what: string, bytes: number): string | undefined {
  if (typeof text !== 'string' || text === '') return `expected a ${what} that is not empty`;
  return textFault(text, `a ${what}`) ?? (longer(text, bytes) ? `a ${what} has at most ${bytes} bytes; got ${Buffer.byteLength(text)}` : undefined);
}

function noRun(id: number): CatalogError {
  return new CatalogError('NotFound', `there is no import ${id} in this catalog`);
}
