import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { Tables } from '../tables.ts';

/** Kysely's own dialect asks for what `better-sqlite3` gives; this gives the same from `node:sqlite`. */
export function sqliteKysely(db: DatabaseSync): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: {
        prepare(text) {
          const statement = db.prepare(text);
          const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[];
          return {
            reader: statement.columns().length > 0,
            all: (parameters) => statement.all(...values(parameters)),
            run: (parameters) => statement.run(...values(parameters)),
            iterate: (parameters) => statement.iterate(...values(parameters)),
          };
        },
        // Whoever opened the connection closes it.
        close() {},
      },
    }),
  });
}
