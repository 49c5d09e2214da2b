import type { ListIssue, ListPage, ObjectInfo } from '@stowage/core';
import { etagOf } from './revision.ts';
import { toBytes, toText, type WalkEntry } from './walk.ts';

/** A page of a walk in the form that passes between threads at the least cost: two strings and an array of numbers. */
export interface PackedPage {
  /** The objects' segments, joined by NUL. */
  readonly segments: string;
  /** The folders that these lie in, joined by NUL, in order; and how many objects of each follow one another. */
  readonly folders: string;
  readonly counts: readonly number[];
  /** Four of each object: inode, size, modification and change time in milliseconds. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly prefixes: readonly string[];
  readonly issues: readonly ListIssue[];
  /** Where to go on; absent where the walk has ended. */
  readonly next?: Mark;
}

/** A place between two entries of a walk. */
export interface Mark {
  readonly after: string;
  /** Behind every key that begins so. */
  readonly afterAll: boolean;
}

/** Takes the next page from a walk. The walk is looked into one entry further, so that a last page is known as one. */
export class PageCutter {
  readonly #walk: Iterator<WalkEntry, void, undefined>;
  #ahead: WalkEntry | undefined;

  constructor(walk: Iterator<WalkEntry, void, undefined>) {
    this.#walk = walk;
    this.#ahead = this.#step();
  }

  #step(): WalkEntry | undefined {
    const step = this.#walk.next();
    return step.done === true ? undefined : step.value;
  }

  cut(limit: number): PackedPage {
    const segments: string[] = [];
    const folders: string[] = [];
    const counts: number[] = [];
    const numbers = new Float64Array(limit * 4);
    const prefixes: string[] = [];
    const issues: ListIssue[] = [];
    let folder: string | undefined;
    let run = 0;
    let last: WalkEntry | undefined;
    for (let count = 0; this.#ahead !== undefined && (count < limit || belongsTo(last, this.#ahead)); count++) {
      last = this.#ahead;
      if (last.kind === 'object') {
        if (last.folder !== folder) {
          if (folder !== undefined) counts.push(run);
          folders.push((folder = last.folder));
          run = 0;
        }
        const { ino, size, mtimeMs, ctimeMs } = last.stats;
        const at = segments.length * 4;
        numbers[at] = ino;
        numbers[at + 1] = size;
        numbers[at + 2] = mtimeMs;
        numbers[at + 3] = ctimeMs;
        segments.push(last.segment);
        run++;
      } else if (last.kind === 'prefix') prefixes.push(last.prefix);
      else issues.push({ key: toText(last.key), kind: last.issue, message: last.message });
      this.#ahead = this.#step();
    }
    if (folder !== undefined) counts.push(run);
    const page = { segments: segments.join('\0'), folders: folders.join('\0'), counts, numbers: numbers.slice(0, segments.length * 4), prefixes, issues };
    return this.#ahead === undefined || last === undefined ? page : { ...page, next: markBehind(last) };
  }
}

/** A common prefix that is unreadable itself is told as an issue and as a prefix, of one key: both go on one page. */
function belongsTo(last: WalkEntry | undefined, next: WalkEntry): boolean {
  return last?.kind === 'issue' && next.kind === 'prefix' && next.prefix === last.key;
}

function markBehind(last: WalkEntry): Mark {
  switch (last.kind) {
    case 'object':
      return { after: last.folder + last.segment, afterAll: false };
    case 'prefix':
      return { after: last.prefix, afterAll: true };
    case 'issue':
      // An unreadable folder would be told again to whoever goes on inside it.
      return { after: last.key, afterAll: last.issue === 'unreadable' };
  }
}

/** The cursor of a mark: a letter and the key. */
function cursorOf(mark: Mark): string {
  return (mark.afterAll ? 'p' : 'k') + toText(mark.after);
}

/** The mark of a cursor; undefined where it is none. */
export function markOf(cursor: string): Mark | undefined {
  if (cursor.startsWith('k')) return { after: toBytes(cursor.slice(1)), afterAll: false };
  return cursor.startsWith('p') ? { after: toBytes(cursor.slice(1)), afterAll: true } : undefined;
}

const NO_CHECKSUMS = Object.freeze({});

/** The page as the contract has it. */
export function unpackPage(page: PackedPage): ListPage {
  const objects: ObjectInfo[] = [];
  if (page.numbers.length > 0) {
    const { numbers, counts } = page;
    const segments = page.segments.split('\0');
    const folders = page.folders.split('\0');
    const plain = toText(page.segments) === page.segments;
    let i = 0;
    for (const [run, count] of counts.entries()) {
      const folder = toText(folders[run] ?? '');
      for (const end = i + count; i < end; i++) {
        const segment = segments[i] ?? '';
        const at = i * 4;
        const size = numbers[at + 1] ?? 0;
        const mtimeMs = numbers[at + 2] ?? 0;
        const etag = etagOf({ ino: numbers[at] ?? 0, size, mtimeMs, ctimeMs: numbers[at + 3] ?? 0 });
        objects.push({
          key: folder + (plain ? segment : toText(segment)),
          size,
          lastModified: new Date(Math.floor(mtimeMs)),
          revision: { etag },
          checksums: NO_CHECKSUMS,
        });
      }
    }
  }
  const { next } = page;
  return { objects, prefixes: page.prefixes.map(toText), issues: page.issues, ...(next === undefined ? {} : { cursor: cursorOf(next) }) };
}
