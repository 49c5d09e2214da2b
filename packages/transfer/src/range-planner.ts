import { type Bucket, compareKeys, type ListOptions, type ListPage, StorageError } from '@stowage/core';
import type { Action } from './action.ts';
import { asStorageError } from './copy-failure.ts';
import { type Ancestor, ancestorsOf, readAncestors } from './key-ancestors.ts';
import { BoundarySearch, type FirstBehind, type FoldersBehind } from './key-boundaries.ts';
import { ListingFailure } from './listing-cursor.ts';
import { Planner, type PlanOptions } from './planner.ts';
import { PlanSums } from './plan-sums.ts';
import { RangeCount } from './range-count.ts';
import type { Side } from './side.ts';

/** When the listings are split into ranges of keys, and into how many. */
export interface RangeOptions {
  /**
   * Ranges that are read side by side at most; each holds two pages a side in memory. There are fewer where more make the listing no
   * faster. 1: they are never split. Default 8.
   */
  readonly atOnce?: number;
  /** Pages that a range must have given before it is split. Default 4. */
  readonly afterPages?: number;
  /**
   * Milliseconds that the run must have stood still for want of pages, and longer than it had other work, 15 ms a page at least,
   * before it looks for a place to split at; later as long as the last look took, where that is more. 0: none of this is asked for,
   * nor whether more ranges make the listing faster. Default 200.
   */
  readonly afterMs?: number;
}

const AT_ONCE = 8;
const AFTER_PAGES = 4;
const AFTER_MS = 200;
/** Milliseconds that a page must take on average: a server on this machine is no faster for being asked for several at once. */
const WORTH_MS = 15;

/** Folders and objects of one level that are looked at to divide it by folders: a page of most stores. */
const MOST_FOLDERS = 1000;

interface Range {
  readonly planner: Planner;
  /** How many pages it must have given before it is looked at again. */
  splitAfter: number;
  /** Where it may be split: what has been found, and was not wanted yet. */
  boundaries: readonly string[];
}

/** A range that may begin: behind the boundary. */
interface Piece {
  readonly boundary: string;
  readonly planner: Planner;
  ancestors: readonly Ancestor[];
}

/**
 * Compares two listings in ranges of keys, as {@link Planner} does each. It begins with one, and splits it while the run waits for
 * pages: what one request after another would take an hour for takes a few minutes. Actions are in order of keys within a range only.
 */
export class RangePlanner {
  readonly sums: PlanSums = new PlanSums();
  readonly #source: Bucket;
  readonly #destination: Bucket;
  readonly #o: PlanOptions;
  readonly #now: () => number;
  readonly #boundaries: Pick<BoundarySearch, 'find'>;
  readonly #atOnce: number;
  readonly #afterPages: number;
  readonly #afterMs: number;
  readonly #first: Planner;
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  /** Those that may hold something: what has ended is let go of, for a run may have any number of ranges. */
  readonly #planners = new Set<Planner>();
  readonly #ranges = new Set<Range>();
  readonly #ready: Range[] = [];
  readonly #count: RangeCount;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;
  #splits: boolean;
  #search: Promise<void> | undefined;
  /** Milliseconds that the last look for boundaries took. */
  #searchMs = 0;
  #waitedMs = 0;
  #waits = 0;
  #since: number;

  /**
   * @param now milliseconds of a clock that only goes forward
   * @param search makes what finds boundaries
   */
  constructor(
    source: Bucket,
    destination: Bucket,
    o: PlanOptions,
    now: () => number,
    { atOnce, afterPages, afterMs }: RangeOptions = {},
    search: (...questions: [FirstBehind, FoldersBehind]) => Pick<BoundarySearch, 'find'> = (...questions) => new BoundarySearch(...questions),
  ) {
    this.#boundaries = search(
      (mark, until, prefix) => this.#firstBehind(mark, until, prefix),
      (mark, until, prefix) => this.#foldersBehind(mark, until, prefix),
    );
    this.#source = source;
    this.#destination = destination;
    this.#signal = o.signal === undefined ? this.#over.signal : AbortSignal.any([o.signal, this.#over.signal]);
    this.#o = { ...o, signal: this.#signal };
    this.#now = now;
    this.#since = now();
    this.#atOnce = atOnce ?? AT_ONCE;
    this.#count = new RangeCount(this.#atOnce);
    this.#afterPages = afterPages ?? AFTER_PAGES;
    this.#afterMs = afterMs ?? AFTER_MS;
    const sides = [source.capabilities.list, destination.capabilities.list];
    this.#splits =
      (o.sort ?? []).length === 0 &&
      sides.every(({ order, startAfter, until }) => order === 'utf8' && startAfter === 'native' && until !== false) &&
      !sides.every(({ serial }) => serial === true);
    this.#first = this.#begin(o.range ?? {});
    this.#ranges.add({ planner: this.#first, splitAfter: 0, boundaries: [] });
  }

  /**
   * Reads the first page of both listings, so that a missing or refused place is met before anything is done. False where the
   * source has nothing at all.
   */
  async open(): Promise<boolean> {
    return await this.#first.open();
  }

  /** The plan in batches, each in order of keys. Throws `ListingFailure`, of whichever range; the actions before that have been given. */
  async *actions(): AsyncGenerator<readonly Action[], void, undefined> {
    for (const range of this.#ranges) this.#load(range);
    try {
      for (let range = await this.#next(); range !== undefined; range = await this.#next()) {
        // Merged only now: what is counted is given.
        const { actions, failure } = range.planner.merge();
        this.#count.page(this.#now(), this.sums.keys);
        yield actions;
        if (failure !== undefined) throw failure.error;
        this.#load(range);
      }
    } finally {
      // Whoever stops, or one that has failed, waits for no other.
      this.#over.abort();
    }
  }

  /** Ends every listing that is under way, and frees what they hold. */
  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all([this.#search, ...[...this.#planners].map((planner) => this.#release(planner))]);
  }

  #begin(range: NonNullable<PlanOptions['range']>): Planner {
    const planner = new Planner(this.#source, this.#destination, { ...this.#o, range }, this.sums);
    this.#planners.add(planner);
    return planner;
  }

  /** The next range that has something to compare; undefined where all have ended. */
  async #next(): Promise<Range | undefined> {
    const asked = this.#now();
    let waited = false;
    while (this.#failure === undefined && this.#ready.length === 0 && this.#ranges.size > 0) {
      waited = true;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (waited) this.#hasWaited(asked, this.#now());
    return this.#ready.shift();
  }

  #load(range: Range): void {
    range.planner
      .load()
      .then(
        (more) => {
          if (more) this.#ready.push(range);
          else {
            this.#ranges.delete(range);
            // Nobody waits for that; where it fails, `close` says so.
            this.#release(range.planner).catch(() => undefined);
          }
        },
        (error: unknown) => this.#failed(error),
      )
      .finally(() => this.#wake());
  }

  /** Frees what the planner holds, and forgets it. */
  async #release(planner: Planner): Promise<void> {
    await planner.close();
    this.#planners.delete(planner);
  }

  #failed(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Splits the range that has gone on the longest, where waiting for it has cost as much as a look for boundaries will. */
  #hasWaited(from: number, to: number): void {
    this.#waitedMs += to - from;
    this.#waits++;
    if (!this.#splits || this.#search !== undefined) return;
    const least = this.#afterMs === 0 ? 0 : Math.max(this.#afterMs, this.#searchMs);
    const count = least === 0 ? this.#atOnce : this.#count.next;
    if (this.#ranges.size >= count || this.#waitedMs < least) return;
    const worth = least === 0 || (this.#waitedMs * 2 >= to - this.#since && this.#waitedMs * this.#ranges.size >= this.#waits * WORTH_MS);
    this.#waitFrom(to);
    if (!worth) return;
    const range = [...this.#ranges]
      .filter(({ planner, splitAfter }) => planner.position !== undefined && planner.pages >= Math.max(this.#afterPages, splitAfter))
      .sort((a, b) => b.planner.pages - a.planner.pages)[0];
    if (range !== undefined) this.#search = this.#split(range, count);
  }

  #waitFrom(now: number): void {
    this.#since = now;
    this.#waitedMs = 0;
    this.#waits = 0;
  }

  /** Splits it so that there are so many. */
  async #split(range: Range, count: number): Promise<void> {
    const began = this.#now();
    const pieces: Piece[] = [];
    try {
      await this.#prepare(range, count - this.#ranges.size, pieces);
      this.#divide(range, pieces);
      if (this.#ranges.size > this.#count.allowed) this.#count.try(this.#ranges.size);
    } catch (error) {
      // Its own listings go on, and tell what is wrong with the store. One that breaks its order would delete data.
      if (error instanceof ListingFailure && !error.outOfOrder) this.#splits = false;
      else this.#failed(error);
    }
    const inWork = new Set([...this.#ranges].map(({ planner }) => planner));
    await Promise.all(pieces.filter(({ planner }) => !inWork.has(planner)).map(({ planner }) => this.#release(planner)));
    this.#search = undefined;
    this.#waitFrom(this.#now());
    this.#searchMs = this.#since - began;
    this.#wake();
  }

  /** Finds ranges behind the one that is under way, and reads their first pages: before these can be had, nothing is changed. */
  async #prepare(range: Range, count: number, pieces: Piece[]): Promise<void> {
    const { planner } = range;
    const { position = '', until } = planner;
    const ahead = (found: readonly string[]): readonly string[] => found.filter((boundary) => compareKeys(boundary, position) > 0);
    let found = ahead(range.boundaries);
    if (found.length < count) found = ahead(await this.#boundaries.find(position, until, this.#atOnce - this.#ranges.size + 1));
    // The last of them: what turns out not to be worth it is soon over there.
    const boundaries = found.slice(-count);
    range.boundaries = found.slice(0, -count);
    for (const [i, boundary] of boundaries.entries()) {
      const next = boundaries[i + 1];
      const end = next === undefined ? until : `${next}\u0001`;
      pieces.push({ boundary, planner: this.#begin({ startAfter: boundary, ...(end === undefined ? {} : { until: end }) }), ancestors: [] });
    }
    await Promise.all(
      pieces.map(async (piece) => {
        const [ancestors] = await Promise.all([
          readAncestors(this.#source, this.#destination, ancestorsOf(piece.boundary, position), this.#signal),
          piece.planner.open(),
        ]);
        piece.ancestors = ancestors;
      }),
    );
  }

  /** Ends the range at the first of the pieces that it has not come to meanwhile, and begins these. */
  #divide(range: Range, pieces: readonly Piece[]): void {
    const { planner } = range;
    const { position = '' } = planner;
    const begun = this.#ranges.has(range) ? pieces.filter(({ boundary }) => compareKeys(boundary, position) > 0) : [];
    const [first] = begun;
    if (first === undefined) {
      range.splitAfter = planner.pages * 2;
      return;
    }
    for (const piece of begun) piece.planner.follow(planner, piece.ancestors);
    planner.endAt(`${first.boundary}\u0001`);
    for (const piece of begun) {
      const added: Range = { planner: piece.planner, splitAfter: 0, boundaries: [] };
      this.#ranges.add(added);
      this.#load(added);
    }
  }

  async #firstBehind(mark: string, until: string | undefined, prefix: string): Promise<string | undefined> {
    return await this.#ask({ startAfter: mark, prefix, limit: 1, ...(until === undefined ? {} : { until }) }, async (pages, side) => {
      for await (const { objects } of pages) {
        const key = objects[0]?.key;
        if (key === undefined) continue;
        assertInside(side, key, mark, until);
        return key;
      }
      return undefined;
    });
  }

  async #foldersBehind(mark: string, until: string | undefined, prefix: string): ReturnType<FoldersBehind> {
    return await this.#ask(
      { startAfter: mark, prefix, delimiter: '/', limit: MOST_FOLDERS, ...(until === undefined ? {} : { until }) },
      async (pages, side) => {
        const folders: string[] = [];
        let objects = 0;
        for await (const page of pages) {
          objects += page.objects.length;
          folders.push(...page.prefixes);
          if (folders.length + objects > MOST_FOLDERS) return undefined;
        }
        for (const folder of folders) assertInside(side, folder, mark, until);
        return { folders, objects: objects > 0 };
      },
    );
  }

  /** Asks the side whose pages cost a request each; of two such, the one that has more keys. */
  async #ask<T>(o: ListOptions, read: (pages: AsyncIterable<ListPage>, side: Side) => Promise<T>): Promise<T> {
    const bySource = this.#destination.capabilities.list.serial === true || this.sums.source.objects >= this.sums.destination.objects;
    const side: Side = bySource && this.#source.capabilities.list.serial !== true ? 'source' : 'destination';
    const bucket = side === 'source' ? this.#source : this.#destination;
    try {
      return await read(bucket.listPages({ ...o, signal: this.#signal }), side);
    } catch (error) {
      throw error instanceof ListingFailure ? error : new ListingFailure(side, asStorageError(error));
    }
  }
}

/** A boundary beyond its range would have keys compared in two of them. */
function assertInside(side: Side, key: string, mark: string, until: string | undefined): void {
  if (compareKeys(key, mark) <= 0 || (until !== undefined && compareKeys(key, until) >= 0)) throw new ListingFailure(side, outside(key, mark, until), true);
}

function outside(key: string, mark: string, until: string | undefined): StorageError {
  const end = until === undefined ? '' : ` and before ${JSON.stringify(until)}`;
  return new StorageError(
    'Unknown',
    `the store gave ${JSON.stringify(key)} where keys behind ${JSON.stringify(mark)}${end} were asked for; run again, and its listing is sorted first`,
    { operation: 'list', key },
  );
}
