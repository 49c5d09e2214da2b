import type { Catalog, Entity, EntityFilter } from '@stowage/catalog';
import { type Bucket, type Call, isStorageError, type LinkSchemes, type ObjectInfo, parseLink, type Storages } from '@stowage/core';
import { LinkedBuckets } from '../linked-buckets.ts';
import { Slots } from '../slots.ts';
import { judgeStoreError } from '../store-verdict.ts';
import { difference } from './difference.ts';
import { listWanted, type Wanted } from './list-wanted.ts';

/**
 * What is wrong with a linked object: `gone`, `changed` (its size or its revision is another than the one that was kept), `denied`,
 * `unreachable` (its storage does not answer), `unknown-storage` (no configured storage has its bucket).
 */
export const FINDINGS = ['gone', 'changed', 'denied', 'unreachable', 'unknown-storage'] as const;
export type FindingKind = (typeof FINDINGS)[number];

export interface Finding {
  readonly kind: FindingKind;
  readonly entity: Entity;
  readonly link: string;
  /** One line for people. */
  readonly message: string;
  /** What was found, where something was. */
  readonly found?: ObjectInfo;
}

export interface CheckOptions {
  readonly catalog: Catalog;
  readonly storages: Storages;
  /** Which entities. Default: every one that has a link. */
  readonly filter?: EntityFilter;
  /** `auto`: list where that costs less than asking for each object. `never`: ask for each. Default `auto`. */
  readonly listing?: 'auto' | 'never';
  /** Objects that are asked for at once. Default 64; the layers of the storages may bound it further. */
  readonly concurrency?: number;
  readonly schemes?: LinkSchemes;
  readonly observer?: { findings?(findings: readonly Finding[]): void | Promise<void> };
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

export interface CheckReport {
  /** Entities looked at. */
  readonly checked: number;
  readonly ok: number;
  readonly counts: Readonly<Record<FindingKind, number>>;
  /** Requests that asked for one object, and pages of listings. */
  readonly requests: { readonly heads: number; readonly pages: number };
  readonly stopped: boolean;
  readonly elapsedMs: number;
}

export interface CheckJob {
  /** Rejects where the catalog fails. */
  readonly report: Promise<CheckReport>;
  progress(): Omit<CheckReport, 'stopped'>;
  /** Finishes what is under way and ends. */
  stop(): void;
}

/** Entities taken from the catalog at once, and sorted to their buckets. */
const PAGE = 5000;
const DEFAULT_CONCURRENCY = 64;

/** Looks whether what entities link to is still there, and still what it was. Changes nothing. */
export function checkLinks(o: CheckOptions): CheckJob {
  const check = new LinkCheck(o);
  return { report: check.run(), progress: () => check.progress(), stop: () => check.stop() };
}

class LinkCheck {
  readonly #o: CheckOptions;
  readonly #buckets: LinkedBuckets;
  readonly #slots: Slots;
  readonly #call: Call;
  readonly #started: number;
  readonly #counts: Record<FindingKind, number> = { gone: 0, changed: 0, denied: 0, unreachable: 0, 'unknown-storage': 0 };
  readonly #requests = { heads: 0, pages: 0 };
  /** Buckets that refused to be listed. */
  readonly #unlisted = new Set<Bucket>();
  #checked = 0;
  #stopped = false;

  constructor(o: CheckOptions) {
    this.#o = o;
    this.#started = o.now();
    this.#buckets = new LinkedBuckets(o.storages, o.schemes);
    this.#slots = new Slots(o.concurrency ?? DEFAULT_CONCURRENCY);
    this.#call = o.signal === undefined ? {} : { signal: o.signal };
  }

  stop(): void {
    this.#stopped = true;
  }

  progress(): Omit<CheckReport, 'stopped'> {
    const bad = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    return {
      checked: this.#checked,
      ok: this.#checked - bad,
      counts: { ...this.#counts },
      requests: { ...this.#requests },
      elapsedMs: this.#o.now() - this.#started,
    };
  }

  async run(): Promise<CheckReport> {
    const { catalog, filter = {}, signal, observer } = this.#o;
    // In the order of links, which is that of listings: a bucket's entities come together.
    for await (const { entities } of catalog.entities.pages(
      { ...filter, linked: true },
      { order: 'link', limit: PAGE, ...(signal === undefined ? {} : { signal }) },
    )) {
      if (this.#stopped) break;
      const findings = await this.#checkPage(entities);
      for (const { kind } of findings) this.#counts[kind]++;
      this.#checked += entities.length;
      if (findings.length > 0) await observer?.findings?.(findings);
    }
    return { ...this.progress(), stopped: this.#stopped };
  }

  async #checkPage(entities: readonly Entity[]): Promise<Finding[]> {
    const findings: Finding[] = [];
    const byBucket = new Map<Bucket, Wanted[]>();
    for (const entity of entities) {
      if (entity.link === undefined) continue;
      const { schemes } = this.#o;
      const found = this.#buckets.find(parseLink(entity.link, schemes === undefined ? {} : { schemes }));
      if (!found.ok) findings.push({ kind: 'unknown-storage', entity, link: entity.link, message: found.message });
      else {
        const wanted = byBucket.get(found.bucket);
        const one = { key: found.key, entity, link: entity.link };
        if (wanted === undefined) byBucket.set(found.bucket, [one]);
        else wanted.push(one);
      }
    }
    for (const [bucket, wanted] of byBucket) findings.push(...(await this.#checkBucket(bucket, wanted)));
    return findings;
  }

  async #checkBucket(bucket: Bucket, wanted: readonly Wanted[]): Promise<Finding[]> {
    const lists = this.#o.listing !== 'never' && bucket.capabilities.list.order === 'utf8' && !this.#unlisted.has(bucket);
    if (!lists) return this.#askEach(bucket, wanted);
    const findings: Finding[] = [];
    try {
      for await (const step of listWanted(bucket, wanted, this.#call)) {
        this.#requests.pages += step.pages;
        // What a listing does not show as it was is asked for by itself, before anything is said of it.
        const doubtful = step.listed.filter(({ entity, info }) => info === undefined || difference(entity, info) !== undefined);
        findings.push(...(await this.#askEach(bucket, [...step.ask, ...doubtful])));
      }
      return findings;
    } catch (error) {
      this.#call.signal?.throwIfAborted();
      if (!isStorageError(error)) throw error;
      // Reading objects may be allowed where listing them is not.
      if (error.code === 'AccessDenied' || error.code === 'Unsupported') this.#unlisted.add(bucket);
      return this.#askEach(bucket, wanted);
    }
  }

  async #askEach(bucket: Bucket, wanted: readonly Wanted[]): Promise<Finding[]> {
    const found = await Promise.all(wanted.map((one) => this.#slots.with(() => this.#ask(bucket, one))));
    return found.filter((finding) => finding !== undefined);
  }

  async #ask(bucket: Bucket, { key, entity, link }: Wanted): Promise<Finding | undefined> {
    this.#requests.heads++;
    try {
      const found = await bucket.head(key, this.#call);
      const message = difference(entity, found);
      return message === undefined ? undefined : { kind: 'changed', entity, link, message, found };
    } catch (error) {
      this.#call.signal?.throwIfAborted();
      const verdict = judgeStoreError(error);
      return { kind: verdict === 'missing' ? 'gone' : verdict, entity, link, message: (error as Error).message };
    }
  }
}
