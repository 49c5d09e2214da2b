import type { Entity } from '@stowage/catalog';
import { type Bucket, type Call, commonPrefix, compareKeys, type ObjectInfo } from '@stowage/core';

/** An object that an entity links to. */
export interface Wanted {
  readonly key: string;
  readonly link: string;
  readonly entity: Entity;
}

interface ListedWanted extends Wanted {
  /** As it was listed; absent where it was not: it is gone, or the listing could not read it. */
  readonly info?: ObjectInfo;
}

/** What one step came to: objects that were looked for in a listing, and objects that are cheaper asked for one by one. */
export interface ListStep {
  readonly listed: readonly ListedWanted[];
  readonly ask: readonly Wanted[];
  /** Pages that were listed. */
  readonly pages: number;
}

/**
 * How many objects a page must answer for to be worth its while: a page of a thousand objects takes a store about as long as so many
 * single questions, which go out side by side.
 */
const WORTH_A_PAGE = 20;
/** How many are asked for one by one where a page was not worth it; twice as many each further time. */
const FIRST_PAUSE = 200;

/**
 * Looks for objects of one bucket in its listing, in one pass, where they lie close enough together, and leaves the others to be
 * asked for. `wanted` is in UTF-8 byte order of its keys. Costs at most one page for every {@link WORTH_A_PAGE} objects, and a few.
 */
export async function* listWanted(bucket: Bucket, wanted: readonly Wanted[], call: Call): AsyncGenerator<ListStep, void, undefined> {
  let at = 0;
  let pause = FIRST_PAUSE;
  while (at < wanted.length) {
    const left = wanted.length - at;
    if (left < WORTH_A_PAGE) {
      yield { listed: [], ask: wanted.slice(at), pages: 0 };
      return;
    }
    const run = await listRun(bucket, wanted, at, call);
    yield run.step;
    at = run.next;
    if (run.worth) pause = FIRST_PAUSE;
    else if (at < wanted.length) {
      yield { listed: [], ask: wanted.slice(at, at + pause), pages: 0 };
      at += pause;
      pause *= 2;
    }
  }
}

interface Run {
  readonly step: ListStep;
  /** The first one that was not looked for. */
  readonly next: number;
  /** Whether the last page was worth its while. */
  readonly worth: boolean;
}

/** Lists from one wanted object on, until all are found or a page is not worth its while. */
async function listRun(bucket: Bucket, wanted: readonly Wanted[], from: number, call: Call): Promise<Run> {
  const first = wanted[from] as Wanted;
  const last = wanted.at(-1) as Wanted;
  // A listing begins behind a key: the first one is asked for, with those that have the same key.
  let at = from;
  while (at < wanted.length && wanted[at]?.key === first.key) at++;
  const ask = wanted.slice(from, at);
  const listed: ListedWanted[] = [];
  let pages = 0;
  if (at === wanted.length) return { step: { listed, ask, pages }, next: at, worth: true };
  for await (const page of bucket.listPages({ ...call, prefix: commonPrefix(first.key, last.key), startAfter: first.key })) {
    pages++;
    const before = at;
    for (const info of page.objects) {
      while (at < wanted.length && compareKeys((wanted[at] as Wanted).key, info.key) < 0) listed.push(wanted[at++] as Wanted);
      while (at < wanted.length && wanted[at]?.key === info.key) listed.push({ ...(wanted[at++] as Wanted), info });
      if (at === wanted.length) return { step: { listed, ask, pages }, next: at, worth: true };
    }
    const isLast = page.cursor === undefined;
    if (!isLast && at - before < WORTH_A_PAGE) return { step: { listed, ask, pages }, next: at, worth: false };
  }
  while (at < wanted.length) listed.push(wanted[at++] as Wanted);
  return { step: { listed, ask, pages }, next: at, worth: true };
}
