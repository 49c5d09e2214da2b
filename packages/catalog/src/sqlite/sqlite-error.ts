import { CatalogError } from '../catalog-error.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html; an extended code holds its primary one in the low byte. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const AUTH = 23;
const NOTADB = 26;

/** The primary result code of an error that SQLite gave; undefined for any other value. */
function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/** Whether another connection is in the way: waiting helps. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** SQLite's errors to ours; what is none of SQLite's comes back as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  const code = resultCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const said = `SQLite says: ${error.message}`;
  switch (code) {
    case BUSY:
    case LOCKED:
      return new CatalogError('Locked', `${path} is in use by another process. Try again when that is done.`, error);
    case READONLY:
    case AUTH:
      return new CatalogError('AccessDenied', `${path} cannot be written: this user needs the right to write the file and its folder. ${said}`, error);
    case CANTOPEN:
      return new CatalogError('AccessDenied', `${path} cannot be opened: its folder must exist, and this user may read and write both. ${said}`, error);
    case FULL:
      return new CatalogError('OutOfSpace', `${path}: the disk is full; nothing of this step was kept. Free some space and run again.`, error);
    case CORRUPT:
      return new CatalogError('Damaged', `${path} is damaged. Keep the file, restore a backup, or try "sqlite3 FILE .recover". ${said}`, error);
    case NOTADB:
      return new CatalogError('NotACatalog', `${path} is no SQLite file. Name the file of a catalog, or one that does not exist yet.`, error);
    case IOERR:
      return new CatalogError('Unknown', `${path}: the disk failed to read or write. ${said}`, error);
    default:
      return new CatalogError('Unknown', `${path}: ${said}`, error);
  }
}
