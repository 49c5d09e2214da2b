/** Stowage's own folder at the root: locks, headers, unfinished uploads. */
export const OWN_FOLDER = '.stowage';

/** Most bytes of a name that the disks in use hold (NAME_MAX). */
export const MAX_NAME_BYTES = 255;

// `.stowage-<host, 12 hex>-<process>-<its start>-<number>.tmp`: narrow, so that a user's file is hardly ever escaped or taken for ours.
const TEMPORARY_SOURCE = String.raw`stowage-[0-9a-f]{12}-[0-9a-z]{1,8}-[0-9a-z]{1,12}-[0-9a-z]{1,12}\.tmp`;
// A disk that folds case would take `.STOWAGE` for our folder.
const OWN_FOLDER_SOURCE = '[sS][tT][oO][wW][aA][gG][eE]';

const TEMPORARY = new RegExp(String.raw`^\.${TEMPORARY_SOURCE}$`);
const OWN = new RegExp(String.raw`^\.${OWN_FOLDER_SOURCE}$`);
/** Names that an escape makes, and names that look like one of these escaped once more. */
const ESCAPED = new RegExp(`^%(?:25)*(?:00|2E${TEMPORARY_SOURCE})$`);
const ESCAPED_AT_ROOT = new RegExp(`^%(?:25)*(?:00|2E${TEMPORARY_SOURCE}|2E${OWN_FOLDER_SOURCE})$`);

const PERCENT = 0x25;
const DOT = 0x2e;

/** Whether the name is of the form that this package gives its temporary files. */
export function isTemporaryName(name: string): boolean {
  return name.charCodeAt(0) === DOT && TEMPORARY.test(name);
}

/**
 * The file name of one segment of a key: the segment itself, but for those that a disk cannot hold (the empty one), that are
 * Stowage's own, or that look like what these become. `first` tells the segment before a key's first slash.
 * Works alike on text and on byte strings: what it looks at and writes is ASCII.
 */
export function encodeSegment(segment: string, first: boolean): string {
  if (segment === '') return '%00';
  const head = segment.charCodeAt(0);
  if (head === DOT && (TEMPORARY.test(segment) || (first && OWN.test(segment)))) return `%2E${segment.slice(1)}`;
  if (head === PERCENT && (first ? ESCAPED_AT_ROOT : ESCAPED).test(segment)) return `%25${segment.slice(1)}`;
  return segment;
}

/** The segment that a file name stands for: the inverse of {@link encodeSegment}. Undefined for Stowage's own names. */
export function decodeName(name: string, first: boolean): string | undefined {
  const head = name.charCodeAt(0);
  if (head === DOT) return TEMPORARY.test(name) || (first && OWN.test(name)) ? undefined : name;
  if (head !== PERCENT || !(first ? ESCAPED_AT_ROOT : ESCAPED).test(name)) return name;
  if (name === '%00') return '';
  return name.startsWith('%25') ? `%${name.slice(3)}` : `.${name.slice(3)}`;
}

/** The file names of a key, from the root down; the last one is the file's. */
export function keyToNames(key: string): string[] {
  const names = key.split('/');
  for (let i = 0; i < names.length; i++) names[i] = encodeSegment(names[i] ?? '', i === 0);
  return names;
}

/** Where the key's file lies below the root: `a//b` is `a/%00/b`. */
export function keyToPath(key: string): string {
  return keyToNames(key).join('/');
}

/** Bytes of a key that the rest of Stowage's providers hold: S3 and Google allow this many. */
export const MAX_KEY_BYTES = 1024;

/** Longest path that Linux takes (PATH_MAX less its NUL), with room for the name of a temporary in the file's folder. */
const MAX_PATH_BYTES = 4095 - 64;

/** Why a disk cannot hold the key under this root; undefined where it can. */
export function diskKeyFault(key: string, root: string): string | undefined {
  const bytes = key.length * 3 > MAX_KEY_BYTES ? Buffer.byteLength(key) : key.length;
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes of UTF-8, ${MAX_KEY_BYTES} are allowed`;
  let path = Buffer.byteLength(root);
  for (const name of keyToNames(key)) {
    const length = Buffer.byteLength(name);
    if (length > MAX_NAME_BYTES)
      return `its part ${JSON.stringify(`${name.slice(0, 24)}…`)} has ${length} bytes of UTF-8, a file name has ${MAX_NAME_BYTES} at most`;
    path += 1 + length;
  }
  return path > MAX_PATH_BYTES ? `its path has ${path} bytes, ${MAX_PATH_BYTES} are allowed` : undefined;
}
