import { isUtf8 } from 'node:buffer';
import type { ListIssue } from '@stowage/core';
import { faultOf, FsFault } from './fault.ts';
import { errno, type FileStats, type FolderEntry, lstat } from './file-system.ts';
import { decodeName, encodeSegment, isTemporaryName, MAX_KEY_BYTES } from './names.ts';
import { resolveLink, type Root } from './place.ts';
import { sweepTemporary } from './temporary-file.ts';

/** Which keys a walk gives. All text is byte strings: UTF-8 bytes as characters, so that `<` is UTF-8 byte order. */
export interface WalkInterval {
  readonly prefix: string;
  /** Exclusive. */
  readonly after?: string;
  /** `after` stands for every key that begins with it. */
  readonly afterAll?: boolean;
  /** Exclusive. */
  readonly until?: string;
  readonly delimiter?: string;
  /** Remove temporaries of processes that are gone, as they are met. */
  readonly sweep: boolean;
}

/** One find of a walk, in UTF-8 byte order of keys; text is byte strings. */
export type WalkEntry =
  | { readonly kind: 'object'; /** The key up to its last slash. */ readonly folder: string; readonly segment: string; readonly stats: FileStats }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'issue'; readonly key: string; readonly issue: ListIssue['kind']; /** Plain text. */ readonly message: string };

/** The bounds as they look from inside one folder: without the folder's own key. */
interface Bounds {
  readonly starts: string;
  readonly after: string | undefined;
  readonly afterAll: boolean;
  readonly until: string | undefined;
}

interface Frame {
  readonly path: string;
  readonly key: string;
  readonly bounds: Bounds;
  readonly entries: readonly string[];
  next: number;
}

/**
 * Entries of a folder are strings that sort as their keys do: a file's segment; a folder's with its slash. What is neither, or
 * has a file name other than its segment, goes on behind a NUL (which no name holds): one letter, then the name on the disk.
 */
const MARK = '\0';
type Mark = 'f' | 'd' | 'l' | 's' | 'i' | 'j';

const NAMES_AND_TYPES = { encoding: 'latin1', withFileTypes: true } as const;
const NOT_ASCII = /[\x80-\xff]/;

/** Text to byte string. */
export function toBytes(text: string): string {
  return NOT_ASCII_TEXT.test(text) ? Buffer.from(text).toString('latin1') : text;
}
const NOT_ASCII_TEXT = /[^\x00-\x7f]/;

/** Byte string to text. What is no UTF-8 gets U+FFFD. */
export function toText(bytes: string): string {
  return NOT_ASCII.test(bytes) ? Buffer.from(bytes, 'latin1').toString() : bytes;
}

/**
 * Walks a root depth first, in UTF-8 byte order of keys, with one folder per level in memory; goes straight to the prefix, and
 * enters no folder outside the interval. Sync: on a large tree it belongs in a worker thread.
 */
export function* walk(root: Root, interval: WalkInterval): Generator<WalkEntry, void, undefined> {
  const top = openTop(root, interval);
  if (top !== undefined && 'kind' in top) yield top;
  const stack: Frame[] = top === undefined || 'kind' in top ? [] : [top];
  const { delimiter, prefix } = interval;
  let told: string | undefined; // the common prefix given last
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (frame.next === frame.entries.length || (told !== undefined && frame.key.startsWith(told))) {
      stack.pop();
      continue;
    }
    const entry = frame.entries[frame.next++] ?? '';
    if (delimiter === undefined && isPlainFile(entry) && frame.key.length + entry.length <= MAX_KEY_BYTES) {
      // Nearly every entry of nearly every tree: kept free of what the rare ones need.
      const stats = lstatOrUndefined(root, frame.path, entry);
      if (stats?.isFile()) {
        yield { kind: 'object', folder: frame.key, segment: entry, stats };
        continue;
      }
    }
    const found = look(root, frame, entry, interval, told);
    if (found === undefined) continue;
    if ('entries' in found) {
      stack.push(found);
      continue;
    }
    if (delimiter !== undefined) {
      const key = found.kind === 'object' ? found.folder + found.segment : found.kind === 'issue' ? found.key : found.prefix;
      const at = key.indexOf(delimiter, prefix.length);
      if (at >= 0) {
        const common = key.slice(0, at + delimiter.length);
        // Of an issue below the common prefix, a listing of that prefix tells; the prefix itself must not be missed.
        if (found.kind === 'issue') {
          if (key === common) yield found;
          if (found.issue === 'symlink' || found.issue === 'not-a-file') continue;
        }
        told = common;
        // A prefix is an entry itself, and lies between the bounds or not.
        if (interval.after === undefined || common > interval.after) yield { kind: 'prefix', prefix: common };
        continue;
      }
    }
    yield found;
  }
}

function isPlainFile(entry: string): boolean {
  return entry.charCodeAt(entry.length - 1) !== 0x2f && !entry.includes(MARK);
}

/** Undefined also where the file cannot be looked at: the slow path says why. */
function lstatOrUndefined(root: Root, folder: string, name: string): FileStats | undefined {
  try {
    return lstat(root.fs, `${folder}/${toText(name)}`);
  } catch {
    return undefined;
  }
}

/** The deepest folder that the prefix names, opened, or why it cannot be; undefined where there is none. */
function openTop(root: Root, { prefix, after, afterAll = false, until, sweep }: WalkInterval): Frame | WalkEntry | undefined {
  const key = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const bounds = within(key, { starts: prefix, after, afterAll, until });
  if (bounds === undefined) return undefined;
  let path = root.path;
  const segments = key === '' ? [] : key.slice(0, -1).split('/');
  for (const [i, segment] of segments.entries()) {
    if (segment === '.' || segment === '..' || segment.includes('\0')) return undefined;
    const name = toText(encodeSegment(segment, i === 0));
    const folder = `${path}/${name}`;
    let stats: FileStats | undefined;
    try {
      stats = lstat(root.fs, folder);
    } catch (error) {
      if (errno(error) === 'ENAMETOOLONG') return undefined;
      return { kind: 'issue', key: prefix, issue: 'unreadable', message: unreadable(error) };
    }
    if (stats?.isSymbolicLink()) {
      const link = resolveLink(root, folder);
      // A link to a file is an object of its own name, and nothing lies below it.
      return 'fault' in link
        ? { kind: 'issue', key: prefix, issue: 'symlink', message: `${JSON.stringify(toText(segments.slice(0, i + 1).join('/')))}: ${link.fault}` }
        : undefined;
    }
    if (!stats?.isDirectory() || !root.folding.isExact(root.fs, path, name, stats)) return undefined;
    path = folder;
  }
  return openFolder(root, path, key, bounds, sweep, prefix);
}

/** The bounds as seen from inside the folder; undefined where nothing of it lies between them. */
function within(folder: string, { starts, after, afterAll, until }: Bounds): Bounds | undefined {
  const inside = {
    starts: starts.length > folder.length ? starts.slice(folder.length) : '',
    after: undefined as string | undefined,
    afterAll: false,
    until: undefined as string | undefined,
  };
  if (after !== undefined) {
    if (after.startsWith(folder)) {
      if (afterAll && after.length === folder.length) return undefined;
      inside.after = after.slice(folder.length);
      inside.afterAll = afterAll;
    } else if (after > folder || (afterAll && folder.startsWith(after))) return undefined;
  }
  if (until !== undefined) {
    if (until.startsWith(folder)) {
      if (until.length === folder.length) return undefined;
      inside.until = until.slice(folder.length);
    } else if (until < folder) return undefined;
  }
  return inside;
}

/** Whether a key (or, with its slash, a folder) lies between the bounds or may hold what does. */
function isInside(entry: string, folder: boolean, { starts, after, afterAll, until }: Bounds): boolean {
  if (starts !== '' && !entry.startsWith(starts)) return false;
  if (after !== undefined) {
    if (afterAll && entry.startsWith(after)) return false;
    if (entry <= after && !(folder && after.startsWith(entry))) return false;
  }
  return until === undefined || entry < until;
}

/** Reads a folder and sorts what of it lies between the bounds. */
function openFolder(root: Root, path: string, key: string, bounds: Bounds, sweep: boolean, prefix: string): Frame | WalkEntry | undefined {
  let found: FolderEntry[];
  try {
    // Between the reading of its parent and now, the folder may have become a link to anywhere.
    if (key !== '' && lstat(root.fs, path)?.isDirectory() !== true) return undefined;
    found = root.fs.readdirSync(path, NAMES_AND_TYPES);
  } catch (error) {
    const fault = faultOf(error, 'read');
    if (key === '' || fault.retryable) throw key === '' && fault.code === 'NotFound' ? new FsFault('BucketNotFound', 'its folder is not there') : error;
    if (fault.code === 'NotFound') return undefined;
    return { kind: 'issue', key: key.length < prefix.length ? prefix : key, issue: 'unreadable', message: unreadable(error) };
  }
  const entries: string[] = [];
  const bounded = bounds.starts !== '' || bounds.after !== undefined || bounds.until !== undefined;
  for (const entry of found) {
    const sortable = entryOf(entry, key === '');
    if (sortable === undefined) {
      if (sweep && isTemporaryName(entry.name)) sweepTemporary(root.fs, `${path}/${entry.name}`, entry.name);
      continue;
    }
    if (bounded) {
      const mark = sortable.indexOf(MARK);
      const visible = mark < 0 ? sortable : sortable.slice(0, mark);
      if (!isInside(visible, visible.endsWith('/') && sortable[mark + 1] !== 'j', bounds)) continue;
    }
    entries.push(sortable);
  }
  entries.sort();
  return { path, key, bounds, entries, next: 0 };
}

/** The entry as its folder's list holds it; undefined for Stowage's own. */
function entryOf(entry: FolderEntry, atRoot: boolean): string | undefined {
  const { name } = entry;
  let segment: string | undefined = name;
  const head = name.charCodeAt(0);
  if (head === 0x25 || head === 0x2e) segment = decodeName(name, atRoot);
  if (segment === undefined) return undefined;
  if (NOT_ASCII.test(name)) {
    const bytes = Buffer.from(name, 'latin1');
    // Sorted as what it is shown as: U+FFFD for what is no UTF-8.
    if (!isUtf8(bytes)) return Buffer.from(bytes.toString()).toString('latin1') + (entry.isDirectory() ? `/${MARK}j` : `${MARK}i`) + name;
  }
  if (entry.isFile()) return segment === name ? name : marked(segment, 'f', name);
  if (entry.isDirectory()) return segment === name ? `${name}/` : marked(`${segment}/`, 'd', name);
  return marked(segment, entry.isSymbolicLink() ? 'l' : 's', name);
}

function marked(segment: string, mark: Mark, name: string): string {
  return segment + MARK + mark + name;
}

/** What one entry of a folder comes to: an object or issue, a folder opened, or nothing. */
function look(root: Root, frame: Frame, entry: string, interval: WalkInterval, told: string | undefined): WalkEntry | Frame | undefined {
  const at = entry.indexOf(MARK);
  const shown = at < 0 ? entry : entry.slice(0, at);
  const folder = shown.charCodeAt(shown.length - 1) === 0x2f && (at < 0 || entry[at + 1] === 'd' || entry[at + 1] === 'j');
  if (told !== undefined && (frame.key + shown).startsWith(told)) return undefined;
  const mark: Mark = at < 0 ? (folder ? 'd' : 'f') : (entry[at + 1] as Mark);
  const key = frame.key + shown;
  if (mark === 'i' || mark === 'j')
    return {
      kind: 'issue',
      key,
      issue: 'invalid-name',
      message: `its name is no UTF-8: ${JSON.stringify(entry.slice(at + 2).replaceAll(/[\x80-\xff]/g, hex)).replaceAll('\\\\x', '\\x')}; rename it`,
    };
  if (key.length > MAX_KEY_BYTES)
    return { kind: 'issue', key, issue: 'invalid-name', message: `its key is longer than ${MAX_KEY_BYTES} bytes of UTF-8; shorten the names on its path` };
  const name = at < 0 ? (folder ? entry.slice(0, -1) : entry) : entry.slice(at + 2);
  const path = `${frame.path}/${toText(name)}`;
  if (mark === 'd') {
    const bounds = within(shown, frame.bounds);
    return bounds === undefined ? undefined : openFolder(root, path, key, bounds, interval.sweep, interval.prefix);
  }
  try {
    return lookAtFile(root, frame, shown, path, mark);
  } catch (error) {
    if (faultOf(error, 'read').retryable) throw error;
    // The folder can be read but not entered: what its files are cannot be known.
    return { kind: 'issue', key, issue: 'unreadable', message: unreadable(error) };
  }
}

function lookAtFile(root: Root, frame: Frame, segment: string, path: string, mark: Mark): WalkEntry | undefined {
  const key = frame.key + segment;
  if (mark === 's') return { kind: 'issue', key, issue: 'not-a-file', message: 'it is a FIFO, socket or device, no file' };
  const stats = mark === 'f' ? lstat(root.fs, path) : undefined;
  if (stats?.isFile()) return { kind: 'object', folder: frame.key, segment, stats };
  // Gone since its folder was read, or something else by now.
  if (mark === 'f' && !stats?.isSymbolicLink()) return undefined;
  const link = resolveLink(root, path);
  return 'fault' in link ? { kind: 'issue', key, issue: 'symlink', message: link.fault } : { kind: 'object', folder: frame.key, segment, stats: link.stats };
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16)}`;
}

function unreadable(error: unknown): string {
  return `it cannot be read (${errno(error) || String(error)}); look at owner and permissions`;
}
