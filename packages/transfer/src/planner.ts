import { type Bucket, compareKeys, type ListIssue, type ListOptions, type ListPage, type ObjectInfo, sameRevision } from '@stowage/core';
import type { Action, Difference } from './action.ts';
import { CoveredPrefixes } from './covered-prefixes.ts';
import { type Comparison, decide, type TimePrecision, timePrecision } from './delta.ts';
import type { KeyFilter } from './filters/key-filter.ts';
import type { SyncedLookup, SyncedRevisions } from './journal/synced-revisions.ts';
import type { Ancestor } from './key-ancestors.ts';
import { type ListedEntry, ListingCursor } from './listing-cursor.ts';
import { NestedKeys } from './nested-keys.ts';
import { type Listed, PlanSums } from './plan-sums.ts';
import type { Side } from './side.ts';
import { sortedPages } from './sorted-listing.ts';

/**
 * What becomes of an object that both sides have, and that differs.
 * - `update` it becomes as the source has it
 * - `update-older` the same, unless the destination's is younger than the source's
 * - `keep` nothing, and it is not even compared
 * - `immutable` nothing, and that it differs is a conflict
 */
export type Existing = 'update' | 'update-older' | 'keep' | 'immutable';

export interface PlanOptions {
  /** Default `auto`. */
  readonly comparison?: Comparison;
  /** Whether objects that only the destination has are to be deleted. Default false. */
  readonly delete?: boolean;
  /** The part of both trees to plan: an open interval of keys. Default: everything. */
  readonly range?: Pick<ListOptions, 'startAfter' | 'until'>;
  /** What becomes of objects that both sides have. Default `update`. */
  readonly existing?: Existing;
  /** What is left alone. Default: nothing. */
  readonly filter?: KeyFilter;
  /** Whether the destination's objects that a filter of names leaves out are to be deleted; with `delete`. Default false. */
  readonly deleteExcluded?: boolean;
  /** A part of the destination that is no part of the mirror. */
  readonly trash?: string;
  /** Sides whose listings are brought into order before they are read. Default: none. */
  readonly sort?: readonly Side[];
  /** What earlier runs know of the two sides' revisions in a range. */
  readonly synced?: (range: NonNullable<PlanOptions['range']>) => SyncedLookup;
  readonly signal?: AbortSignal;
}

/**
 * Compares two ordered listings of one range in one pass and says what is to be done for each key. Reads nothing but the listings,
 * changes nothing, and holds two pages a side whatever the trees' size.
 */
export class Planner {
  readonly #to: Bucket;
  readonly #s: ListingCursor;
  readonly #d: ListingCursor;
  readonly #comparison: Comparison;
  readonly #delete: boolean;
  readonly #precision: TimePrecision;
  readonly #existing: Existing;
  readonly #filter: KeyFilter | undefined;
  readonly #deleteExcluded: boolean;
  readonly #trash: string | undefined;
  readonly #synced: SyncedLookup | undefined;
  readonly #sums: PlanSums;
  readonly #startAfter: string | undefined;
  #until: string | undefined;
  #position: string | undefined;
  #sourceCovered = new CoveredPrefixes();
  #destinationCovered = new CoveredPrefixes();
  #nested: NestedKeys | undefined;
  /** Whether entries are passed that are another range's: only what they cover counts. */
  #passing = false;
  /** Whether issues may come that lie before the range, and are another's. */
  #leadIn = false;
  #batch: Action[] = [];

  /** @param sums where what is met is added up. Default: sums of its own. */
  constructor(source: Bucket, destination: Bucket, o: PlanOptions = {}, sums: PlanSums = new PlanSums()) {
    this.#sums = sums;
    this.#startAfter = o.range?.startAfter;
    this.#until = o.range?.until;
    const listing: ListOptions = { ...o.range, ...(o.signal === undefined ? {} : { signal: o.signal }) };
    this.#to = destination;
    this.#s = new ListingCursor('source', source, listing, this.#sorting('source', o.sort));
    this.#d = new ListingCursor('destination', destination, listing, this.#sorting('destination', o.sort));
    this.#comparison = o.comparison ?? 'auto';
    this.#delete = o.delete ?? false;
    this.#synced = o.synced?.(o.range ?? {});
    this.#existing = o.existing ?? 'update';
    this.#filter = o.filter;
    this.#deleteExcluded = o.deleteExcluded === true && this.#delete;
    this.#trash = o.trash;
    this.#precision = timePrecision(source.capabilities, destination.capabilities);
    // A source that cannot hold such keys either has none.
    this.#nested = source.capabilities.keys.nested && !destination.capabilities.keys.nested ? new NestedKeys() : undefined;
  }

  /**
   * Reads the first page of both listings, so that a missing or refused place is met before anything is done. False where the
   * source has nothing at all.
   */
  async open(): Promise<boolean> {
    await Promise.all([this.#s.nextPage(), this.#d.nextPage()]);
    return !this.#s.ended;
  }

  get source(): Listed {
    return this.#sums.source;
  }

  get destination(): Listed {
    return this.#sums.destination;
  }

  /** Keys that either side has, counted where the listings are read. */
  get keys(): number {
    return this.#sums.keys;
  }

  /** Why the listings cannot be relied on to hold everything, in words; the first of them. */
  get doubts(): readonly string[] {
    return this.#sums.doubts;
  }

  get doubtful(): number {
    return this.#sums.doubtful;
  }

  /** Sides that were sorted, and need not have been. */
  get inOrder(): ReadonlySet<Side> {
    return this.#sums.inOrder;
  }

  /** The last key that has been compared. */
  get position(): string | undefined {
    return this.#position;
  }

  /** Where the range ends. */
  get until(): string | undefined {
    return this.#until;
  }

  /** Pages that have been read of the longer listing. */
  get pages(): number {
    return Math.max(this.#s.pages, this.#d.pages);
  }

  /** The plan, in order of keys, in batches. Throws `ListingFailure`; the actions before that have been given. */
  async *actions(): AsyncGenerator<readonly Action[], void, undefined> {
    while (await this.load()) {
      const { actions, failure } = this.merge();
      yield actions;
      if (failure !== undefined) throw failure.error;
    }
  }

  /** Sees to it that both sides have an entry at hand; false where both have come to their end. Throws `ListingFailure`. */
  async load(): Promise<boolean> {
    const s = this.#s;
    const d = this.#d;
    if (s.key === undefined && !s.ended) await s.nextPage();
    if (d.key === undefined && !d.ended) await d.nextPage();
    if (s.key !== undefined || d.key !== undefined) return true;
    this.#synced?.end(this.#until);
    return false;
  }

  /** The plan as far as both sides have entries at hand, and what came after that of a listing that broke its order. */
  merge(): { readonly actions: readonly Action[]; readonly failure?: { readonly error: unknown } } {
    this.#batch = [];
    try {
      this.#mergePages();
    } catch (error) {
      return { actions: this.#batch, failure: { error } };
    }
    return { actions: this.#batch };
  }

  /** Ends before that key from now on; it must be behind {@link Planner.position}. */
  endAt(until: string): void {
    this.#until = until;
    this.#s.endAt(until);
    this.#d.endAt(until);
  }

  /**
   * Goes on where the other is to end: what lies there may be covered by what the other has met, or will meet at `ancestors`, the keys
   * between its position and this range that can cover keys of this one. To be called before anything is merged.
   */
  follow(other: Planner, ancestors: readonly Ancestor[]): void {
    this.#sourceCovered = other.#sourceCovered.clone();
    this.#destinationCovered = other.#destinationCovered.clone();
    this.#nested = other.#nested?.clone();
    this.#leadIn = true;
    this.#passing = true;
    for (const { source, destination } of ancestors) this.#take(source, destination, undefined);
    this.#passing = false;
    this.#batch = [];
  }

  async close(): Promise<void> {
    await Promise.all([this.#s.close(), this.#d.close()]);
  }

  /** Goes on while both sides have an entry at hand. The hot loop: no promise in it. */
  #mergePages(): void {
    const s = this.#s;
    const d = this.#d;
    const sums = this.#sums;
    while ((s.key !== undefined || s.ended) && (d.key !== undefined || d.ended)) {
      if (s.key === undefined && d.key === undefined) return;
      const order = s.key === undefined ? 1 : d.key === undefined ? -1 : compareKeys(s.key, d.key);
      const key = (order <= 0 ? s.key : d.key) as string;
      if (this.#leadIn && this.#isLeadIn(key, order <= 0 ? s : undefined, order >= 0 ? d : undefined)) {
        if (order <= 0) s.advance();
        if (order >= 0) d.advance();
        continue;
      }
      const synced = this.#synced?.at(key);
      this.#position = key;
      sums.keys++;
      if (order <= 0) this.#count(sums.source, s);
      if (order >= 0) this.#count(sums.destination, d);
      this.#take(order <= 0 ? s : undefined, order >= 0 ? d : undefined, synced);
      if (order <= 0) s.advance();
      if (order >= 0) d.advance();
    }
  }

  /** What becomes of a key that one side has, or both. */
  #take(s: ListedEntry | undefined, d: ListedEntry | undefined, synced: SyncedRevisions | undefined): void {
    if (this.#isLeftOut((s ?? d) as ListedEntry)) this.#leaveOut(s, d);
    else if (d === undefined) this.#onlySource(s as ListedEntry);
    else if (s === undefined) this.#onlyDestination(d);
    else this.#both(s, d, synced);
  }

  /** Whether the key lies before a range that follows another: a folder that reaches into it, and could not be read from there. */
  #isLeadIn(key: string, s: ListedEntry | undefined, d: ListedEntry | undefined): boolean {
    if (this.#startAfter === undefined || compareKeys(key, this.#startAfter) > 0) {
      this.#leadIn = false;
      return false;
    }
    if (s?.issue !== undefined) this.#coverBefore('source', s, this.#sourceCovered);
    if (d?.issue !== undefined) this.#coverBefore('destination', d, this.#destinationCovered);
    return true;
  }

  /** The key has its outcome in the range before this one. Where that has not met the issue, and will not, it is a doubt all the same. */
  #coverBefore(side: Side, entry: ListedEntry, covered: CoveredPrefixes): void {
    const { issue } = entry;
    if (issue === undefined || covered.covers(issue) || this.#isLeftOut(entry)) return;
    covered.add(issue);
    if (isDoubt(issue)) this.#doubt(side, issue);
  }

  #count(listed: { objects: number; bytes: number; issues: number }, { object }: ListedEntry): void {
    if (object === undefined) listed.issues++;
    else {
      listed.objects++;
      listed.bytes += object.size;
    }
  }

  #isLeftOut({ key = '', issue }: ListedEntry): boolean {
    if (this.#trash !== undefined && key.startsWith(this.#trash)) return true;
    if (this.#filter === undefined) return false;
    return issue === undefined ? this.#filter.excludes(key) : this.#filter.excludesIssue(issue);
  }

  /** A key that is no part of the mirror: where it is to go nevertheless, only from the destination and never from the trash. */
  #leaveOut(s: ListedEntry | undefined, d: ListedEntry | undefined): void {
    const key = (s ?? d)?.key ?? '';
    const destination = d?.object;
    const inTrash = this.#trash !== undefined && key.startsWith(this.#trash);
    if (destination !== undefined && this.#deleteExcluded && !inTrash) this.#batch.push({ kind: 'delete', key, destination });
    else this.#batch.push({ kind: 'skip', key, size: (s?.object ?? destination)?.size ?? 0, reason: 'excluded' });
  }

  #onlySource({ object, issue }: ListedEntry): void {
    if (object === undefined) {
      if (issue !== undefined) this.#sourceIssue(issue, 0);
      return;
    }
    const { key, size } = object;
    if (this.#filter?.passesOver(object) === true) {
      this.#batch.push({ kind: 'skip', key, size, reason: 'filtered' });
      return;
    }
    const conflict = this.#nestedConflict(object);
    if (conflict !== undefined) {
      this.#batch.push(conflict);
      return;
    }
    const above = this.#destinationCovered.covering(key);
    if (above !== undefined) {
      this.#batch.push(isDoubt(above) ? unreadableAtDestination(key, size, above) : notAnObject(key, size, above));
      return;
    }
    const fault = this.#to.checkKey(key);
    this.#batch.push(
      fault === undefined
        ? { kind: 'copy', key, source: object }
        : { kind: 'conflict', key, size, reason: 'invalid-key', message: `the destination cannot hold the key: ${fault}; rename the object at the source` },
    );
  }

  #onlyDestination({ object, issue }: ListedEntry): void {
    if (object === undefined) {
      if (issue === undefined) return;
      this.#destinationCovered.add(issue);
      const { key, kind, message } = issue;
      if (!isDoubt(issue)) this.#batch.push({ kind: 'skip', key, size: 0, reason: kind === 'symlink' ? 'symlink' : 'not-a-file', message });
      else {
        this.#doubt('destination', issue);
        // Where nothing is to be deleted, what only the destination has matters to nobody.
        this.#batch.push(this.#delete ? unreadable(key, 0, message) : { kind: 'skip', key, size: 0, reason: 'unreadable', message });
      }
      return;
    }
    const { key, size } = object;
    const above = this.#sourceCovered.covering(key);
    if (above !== undefined) {
      const reason = isDoubt(above) ? 'unknown' : above.kind === 'symlink' ? 'symlink' : 'not-a-file';
      this.#batch.push({ kind: 'skip', key, size, reason, message: `kept: beneath ${JSON.stringify(above.key)} at the source, ${above.message}` });
    } else if (this.#filter?.passesOver(object) === true) this.#batch.push({ kind: 'skip', key, size, reason: 'filtered' });
    else if (this.#delete) this.#batch.push({ kind: 'delete', key, destination: object });
    else this.#batch.push({ kind: 'skip', key, size, reason: 'extra' });
  }

  #both(s: ListedEntry, d: ListedEntry, synced: SyncedRevisions | undefined): void {
    if (d.issue !== undefined) {
      this.#destinationCovered.add(d.issue);
      if (isDoubt(d.issue)) this.#doubt('destination', d.issue);
    }
    const source = s.object;
    const destination = d.object;
    if (source === undefined) {
      if (s.issue !== undefined) this.#sourceIssue(s.issue, destination?.size ?? 0);
      return;
    }
    const { key } = source;
    if (destination === undefined) {
      if (d.issue !== undefined)
        this.#batch.push(isDoubt(d.issue) ? unreadableAtDestination(key, source.size, d.issue) : notAnObject(key, source.size, d.issue));
      return;
    }
    // The destination holds it, so it can; keys beneath it are another question.
    this.#nested?.above(key);
    this.#nested?.add(key);
    if (this.#existing === 'keep') {
      this.#batch.push({ kind: 'skip', key, size: source.size, reason: 'existing' });
      return;
    }
    if (this.#filter?.passesOver(source) === true) {
      this.#batch.push({ kind: 'skip', key, size: source.size, reason: 'filtered' });
      return;
    }
    const verdict = decide(source, destination, this.#comparison, this.#precision, synced);
    if (verdict === 'same') this.#batch.push({ kind: 'same', key, source, destination, noted: synced !== undefined && isStill(synced, source, destination) });
    else if (verdict === 'compare') this.#batch.push({ kind: 'compare', key, source, destination });
    else this.#batch.push(this.#update(key, source, destination, verdict));
  }

  #update(key: string, source: ObjectInfo, destination: ObjectInfo, why: Difference): Action {
    const { size } = source;
    if (this.#existing === 'immutable')
      return { kind: 'conflict', key, size, reason: 'immutable', message: `it differs (${why}), and what is at the destination is never to be changed` };
    const younger = destination.lastModified.getTime() - source.lastModified.getTime() > this.#precision.toleranceMs;
    if (this.#existing === 'update-older' && younger) return { kind: 'skip', key, size, reason: 'newer', message: 'kept: the destination has a younger one' };
    return { kind: 'update', key, source, destination, why };
  }

  /** What the source has that is no object, or that it could not read; the destination's object there, of `size` bytes, is kept. */
  #sourceIssue(issue: ListIssue, size: number): void {
    this.#sourceCovered.add(issue);
    if (isDoubt(issue)) this.#doubt('source', issue);
    const { key, kind, message } = issue;
    switch (kind) {
      case 'unreadable':
        this.#batch.push(unreadable(key, size, message));
        return;
      case 'invalid-name':
        this.#batch.push({ kind: 'conflict', key, size, reason: 'invalid-key', message });
        return;
      default:
        this.#batch.push({ kind: 'skip', key, size, reason: kind, message });
    }
  }

  #nestedConflict({ key, size }: ObjectInfo): Action | undefined {
    const above = this.#nested?.above(key);
    if (above === undefined) {
      this.#nested?.add(key);
      return undefined;
    }
    const message = `the destination (${this.#to.provider}) cannot hold both it and the object ${JSON.stringify(above)} above it`;
    return { kind: 'conflict', key, size, reason: 'key-conflict', message };
  }

  #doubt(side: Side, issue: ListIssue): void {
    if (!this.#passing) this.#sums.doubt(`the ${side} could not be read at ${JSON.stringify(issue.key)} (${issue.message})`);
  }

  #sorting(side: Side, sort: PlanOptions['sort']): ((pages: AsyncIterable<ListPage>) => AsyncIterable<ListPage>) | undefined {
    if (sort?.includes(side) !== true) return undefined;
    return (pages) =>
      sortedPages(pages, {
        twice: (key) => this.#sums.doubt(`the listing of the ${side} gave ${JSON.stringify(key)} twice`),
        inOrder: () => this.#sums.inOrder.add(side),
      });
  }
}

function isStill(synced: SyncedRevisions, source: ObjectInfo, destination: ObjectInfo): boolean {
  return sameRevision(synced.source, source.revision) && sameRevision(synced.destination, destination.revision);
}

/** Whether there may be objects that the listing lacks. */
function isDoubt({ kind }: ListIssue): boolean {
  return kind === 'unreadable' || kind === 'invalid-name';
}

function unreadable(key: string, size: number, message: string): Action {
  return { kind: 'fail', key, size, reason: 'unreadable', message };
}

function unreadableAtDestination(key: string, size: number, { key: at, message }: ListIssue): Action {
  return unreadable(key, size, `the destination could not be read at ${JSON.stringify(at)}: ${message}`);
}

function notAnObject(key: string, size: number, { key: at, message }: ListIssue): Action {
  return { kind: 'conflict', key, size, reason: 'not-an-object', message: `at the destination, ${JSON.stringify(at)} is in the way: ${message}` };
}
