import { commonPrefix, compareKeys } from '@stowage/core';

/** The first key behind the mark and before `until`, of those that begin with `prefix`; undefined where there is none. */
export type FirstBehind = (mark: string, until: string | undefined, prefix: string) => Promise<string | undefined>;

/**
 * The folders behind the mark and before `until`, in order, of those directly in the one that `prefix` names, and whether objects lie
 * beside them; undefined where there are too many to tell at once.
 */
export type FoldersBehind = (
  mark: string,
  until: string | undefined,
  prefix: string,
) => Promise<{ readonly folders: readonly string[]; readonly objects: boolean } | undefined>;

/** Behind every key that begins with what stands before it, but for keys that hold this very character. */
const LAST = '\u{10FFFF}';
const LAST_POINT = 0x10ffff;
const LAST_ASCII = 0x7f;
/** Questions that are asked at once. */
const WIDTH = 6;
/** Folders that are taken for of one size together: of fewer, one may hold most of all keys. */
const ENOUGH_FOLDERS = 8;
/** How often a part is divided again, and how deep a folder is looked for that has others in it. */
const DEPTH = 3;

/** Where the keys of a range part: up to which character all have the same, and which come next. */
interface Fork {
  /** What all keys begin with. */
  readonly shared: string;
  /** Whether the first key is itself no more than that: nothing but it comes before the least of `points`. */
  readonly bare: boolean;
  /** The least and the greatest character that comes next, of the keys that do not go on as the first one does. */
  readonly least: number;
  readonly greatest: number;
}

/**
 * Finds boundaries between keys, for as many parts as are wanted, or fewer. All that is known of keys is what the store answers: how
 * they are distributed shows only when they are read. A boundary is made of what all keys of the range have in common, the character
 * before the one that the next part begins with, and U+10FFFF: hardly any key can lie there or be above what lies behind.
 */
export class BoundarySearch {
  readonly #firstBehind: FirstBehind;
  readonly #foldersBehind: FoldersBehind;
  /** Characters of the keys that were found: candidates for what a part may begin with. */
  readonly #alphabet = new Set<number>();

  constructor(firstBehind: FirstBehind, foldersBehind: FoldersBehind = () => Promise.resolve(undefined)) {
    this.#firstBehind = firstBehind;
    this.#foldersBehind = foldersBehind;
  }

  /**
   * Boundaries in order: each at or behind all keys of the part before it, and before all of the next. Between folders, where there are
   * enough of them and nothing else, which takes a request or two; else between characters.
   *
   * @param first a key that is before all others of the range, or the first of them
   */
  async find(first: string, until: string | undefined, parts: number): Promise<string[]> {
    return (await this.#betweenFolders(first, until, parts)) ?? (await this.#betweenCharacters(first, until, parts, '', DEPTH));
  }

  /** Undefined where there are too few or too many, or objects beside them, which may be more. */
  async #betweenFolders(first: string, until: string | undefined, parts: number): Promise<string[] | undefined> {
    // Where the range has an end, its keys begin with what it begins and ends with; else the first folder may be the only one.
    let prefix = until === undefined ? '' : folderOf(commonPrefix(first, until));
    for (let depth = 0; depth < DEPTH; depth++) {
      const found = await this.#foldersBehind(first, until, prefix);
      if (found === undefined) return undefined;
      const { folders, objects } = found;
      if (objects) return undefined;
      if (folders.length + 1 >= Math.max(parts, ENOUGH_FOLDERS)) {
        // The folder that the first key lies in is one more.
        const chosen = Array.from({ length: parts - 1 }, (_, i) => folders[Math.floor(((i + 1) * (folders.length + 1)) / parts) - 1] as string);
        return [...new Set(chosen.flatMap((folder) => boundaryBefore(folder) ?? []))].sort(compareKeys).filter((boundary) => compareKeys(boundary, first) > 0);
      }
      const slash = first.indexOf('/', prefix.length);
      if (folders.length > 0 || slash < 0) return undefined;
      prefix = first.slice(0, slash + 1);
    }
    return undefined;
  }

  /** @param prefix what all keys of the range are known to begin with */
  async #betweenCharacters(first: string, until: string | undefined, parts: number, prefix: string, depth: number): Promise<string[]> {
    const fork = await this.#fork(first, until, prefix);
    if (fork === undefined) return [];
    const { shared } = fork;
    const starts = await Promise.all(
      this.#chosen(fork, parts).map((point) => this.#behind(shared + String.fromCodePoint(before(point)) + LAST, until, shared)),
    );
    const parted = new Map<number, string>();
    for (const key of starts) {
      const point = nextPoint(key, shared);
      if (key !== undefined && point !== undefined && point > 1) parted.set(point, key);
    }
    const points = [...parted.keys()].sort((a, b) => a - b);
    const boundaries = points.map((point) => shared + String.fromCodePoint(before(point)) + LAST);
    const share = Math.floor(parts / (boundaries.length + 1));
    if (boundaries.length === 0 || share < 2 || depth <= 1) return boundaries;
    const pieces = [first, ...points.map((point) => parted.get(point) as string)].map((key, i) => {
      const end = boundaries[i];
      return this.#betweenCharacters(key, end === undefined ? until : `${end}\u0001`, share, shared, depth - 1);
    });
    return (await Promise.all(pieces)).flatMap((inner, i) => [...inner, ...boundaries.slice(i, i + 1)]);
  }

  async #behind(mark: string, until: string | undefined, prefix: string): Promise<string | undefined> {
    const key = await this.#firstBehind(mark, until, prefix);
    for (const character of key ?? '') this.#alphabet.add(character.codePointAt(0) as number);
    return key;
  }

  /** Looks for the shortest beginning of the first key that has keys behind all that begin with it: there they part. */
  async #fork(first: string, until: string | undefined, prefix: string): Promise<Fork | undefined> {
    const points = Array.from(first);
    let none = first.startsWith(prefix) ? Array.from(prefix).length : 0;
    let some = points.length + 1;
    let next: string | undefined;
    while (some - none > 1) {
      const lengths = between(none + 1, some - 1);
      const found = await Promise.all(lengths.map((length) => this.#behind(points.slice(0, length).join('') + LAST, until, prefix)));
      for (const [i, key] of found.entries()) {
        const length = lengths[i] as number;
        if (key === undefined) none = Math.max(none, length);
        else if (length < some) {
          some = Math.min(length, common(points, key) + 1);
          next = key;
        }
      }
    }
    const bare = next === undefined;
    const shared = (bare ? points : points.slice(0, some - 1)).join('');
    const least = nextPoint(next ?? (await this.#behind(first, until, shared)), shared);
    if (least === undefined) return undefined;
    return { shared, bare, least, greatest: await this.#greatest(shared, least, until) };
  }

  /** The greatest character that comes behind what all keys share. */
  async #greatest(shared: string, least: number, until: string | undefined): Promise<number> {
    let low = least;
    let high = LAST_POINT;
    // Most keys have nothing beyond ASCII.
    let asked = least < LAST_ASCII ? [...between(least, LAST_ASCII - 1), LAST_ASCII] : [];
    while (low < high) {
      if (asked.length === 0) asked = [...new Set(between(low, high - 1).map(wellFormed))];
      const found = await Promise.all(asked.map((point) => this.#behind(shared + String.fromCodePoint(point) + LAST, until, shared)));
      for (const [i, key] of found.entries()) {
        const point = nextPoint(key, shared);
        const mark = asked[i] as number;
        // One with U+10FFFF where the mark has it tells nothing.
        if (point === undefined || point <= mark) high = Math.min(high, mark);
        else low = Math.max(low, point);
      }
      asked = [];
    }
    return low;
  }

  /** Characters that parts may begin with, evenly among those that are known to be in use. */
  #chosen({ bare, least, greatest }: Fork, parts: number): number[] {
    const known = [...this.#alphabet].filter((point) => point >= least && point <= greatest).sort((a, b) => a - b);
    // Where the first key goes on like no other, its own part is one more.
    const all = bare ? known.slice(1) : known;
    if (all.length < parts) return all;
    return Array.from({ length: parts - 1 }, (_, i) => all[Math.floor(((i + 1) * all.length) / parts)] as number);
  }
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** A boundary before all keys of the folder, and behind those of most others that come before it. */
function boundaryBefore(folder: string): string | undefined {
  const name = Array.from(folder.slice(0, -1));
  const last = name.pop()?.codePointAt(0) ?? 0;
  return last <= 1 ? undefined : name.join('') + String.fromCodePoint(before(last)) + LAST;
}

/** Up to {@link WIDTH} whole numbers, evenly from one to the other, both included. */
function between(low: number, high: number): number[] {
  const count = Math.min(WIDTH, high - low + 1);
  return Array.from({ length: count }, (_, i) => low + Math.floor(((high - low + 1) * (i + 0.5)) / count));
}

/** How many characters the key begins with as these do. */
function common(points: readonly string[], key: string): number {
  const others = Array.from(key);
  let length = 0;
  while (length < points.length && points[length] === others[length]) length++;
  return length;
}

/** The character behind what is shared; undefined where the key is none, begins otherwise, or ends there. */
function nextPoint(key: string | undefined, shared: string): number | undefined {
  return key?.startsWith(shared) === true ? key.codePointAt(shared.length) : undefined;
}

function before(point: number): number {
  return wellFormed(point - 1);
}

/** Surrogates are no characters: the one before them. */
function wellFormed(point: number): number {
  return point >= 0xd800 && point <= 0xdfff ? 0xd7ff : point;
}
