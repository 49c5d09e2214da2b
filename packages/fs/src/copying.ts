import { type Call, type CopyItem, type CopyOutcome, pickHeaders, StorageError } from '@stowage/core';
import { type CopyFailure, type CopyOrder, CopyTask, discardCopy, type Named, type Written, type WrittenCopy } from './copy-task.ts';
import type { CopyThreads } from './copy-threads.ts';
import { GROUP_SYNC_FILES } from './disk-waits.ts';
import { syncFolderIfThere, syncPath } from './file-system.ts';
import type { FsNative } from './fs-options.ts';
import type { GroupSync } from './group-sync.ts';
import { placeOf, type Root } from './place.ts';
import { infoOf } from './reading.ts';
import { removeIfThere, temporaryName } from './temporary-file.ts';
import { whileBusySync } from './waiting.ts';

/** Files in a slice: what a thread does between two messages. */
const SLICE = 128;

/** What copying needs of its driver. */
export interface CopyPlace {
  readonly root: Root;
  readonly bucket: string;
  /** Undefined: copies are made where the caller is. */
  readonly threads: CopyThreads | undefined;
  readonly groupSync: GroupSync;
  readonly durable: boolean;
}

/**
 * Copies files on the disk, in four steps for the whole batch: write temporaries, wait until their content is durable, give them
 * their names, wait until the names are durable. One wait for many files is what makes it fast; no name is given to content
 * that could still be lost.
 */
export async function copyFiles(place: CopyPlace, items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]> {
  const { root, durable } = place;
  const orders = items.map(orderOf);
  const aborted = new Int32Array(new SharedArrayBuffer(4));
  const abort = (): void => void Atomics.store(aborted, 0, 1);
  o.signal?.addEventListener('abort', abort, { once: true });
  let written: Written[] = [];
  let isNaming = false;
  try {
    written = await writeCopies(place, orders, aborted);
    o.signal?.throwIfAborted();
    const copies = written.filter(isWritten);
    if (durable) await syncContent(place, copies);
    o.signal?.throwIfAborted();
    isNaming = true;
    const named = await nameCopies(place, orders, written, aborted);
    if (durable) await syncCopiedNames(place, copies);
    return outcomes(place, orders, written, named);
  } catch (error) {
    // Names may have been given, and folders filled: only temporaries are taken back then.
    for (const [i, order] of orders.entries()) {
      const copy = written[i];
      if (!isNaming && copy !== undefined && isWritten(copy)) discardCopy(root, order.to, copy);
      else removeIfThere(root.fs, `${placeOf(root, order.to).folder}/${order.temporary}`);
    }
    throw error;
  } finally {
    o.signal?.removeEventListener('abort', abort);
  }
}

function orderOf({ from, to, if: condition, sourceIf, headers, lastModified }: CopyItem): CopyOrder {
  const source = from.driver.native() as FsNative;
  return {
    fromRoot: source.root,
    followLinks: source.followLinks,
    from: from.key,
    to,
    temporary: temporaryName(),
    ...(condition === undefined ? {} : { condition }),
    ...(sourceIf === undefined ? {} : { sourceIf }),
    ...(headers === undefined ? {} : { headers: pickHeaders(headers) }),
    ...(lastModified === undefined ? {} : { lastModified: lastModified.getTime() }),
  };
}

async function writeCopies({ root, threads }: CopyPlace, orders: readonly CopyOrder[], aborted: Int32Array): Promise<Written[]> {
  if (threads === undefined) return new CopyTask(root, () => Atomics.load(aborted, 0) !== 0).write(orders);
  const to = { path: root.path, followLinks: root.followLinks };
  // Slices small enough that each thread gets one.
  const slices = slicesOf(orders, Math.min(SLICE, Math.ceil(orders.length / threads.size)));
  return await allOf(slices.map((slice) => threads.run<Written>({ to, orders: slice, aborted })));
}

async function nameCopies(
  { root, threads }: CopyPlace,
  orders: readonly CopyOrder[],
  written: readonly Written[],
  aborted: Int32Array,
): Promise<ReadonlyMap<CopyOrder, Named>> {
  const pairs = orders.flatMap((order, i) => {
    const copy = written[i];
    return copy !== undefined && isWritten(copy) ? [{ order, copy }] : [];
  });
  const run = async (slice: typeof pairs): Promise<readonly Named[]> => {
    const part = slice.map(({ order }) => order);
    const copies = slice.map(({ copy }) => copy);
    if (threads === undefined) return new CopyTask(root, () => false).name(part, copies, whileBusySync);
    return await threads.run<Named>({ to: { path: root.path, followLinks: root.followLinks }, orders: part, copies, aborted });
  };
  const size = threads === undefined ? pairs.length : Math.min(SLICE, Math.ceil(pairs.length / threads.size));
  const named = await allOf(slicesOf(pairs, size).map(run));
  return new Map(pairs.map(({ order }, i) => [order, named[i] ?? { code: 'Unknown', message: 'the thread gave no outcome', retryable: false }]));
}

async function syncContent({ root, groupSync }: CopyPlace, copies: readonly WrittenCopy[]): Promise<void> {
  if (copies.length >= GROUP_SYNC_FILES && (await groupSync.done())) return;
  for (const { temporary, sidecar } of copies) {
    await syncPath(root.fs, temporary);
    if (sidecar === undefined) continue;
    await syncPath(root.fs, sidecar);
    await syncPath(root.fs, parentOf(sidecar));
  }
}

async function syncCopiedNames({ root, groupSync }: CopyPlace, copies: readonly WrittenCopy[]): Promise<void> {
  const folders = new Set<string>();
  for (const { temporary, made } of copies) {
    folders.add(parentOf(temporary));
    for (const folder of made) folders.add(parentOf(folder));
  }
  if (folders.size >= GROUP_SYNC_FILES && (await groupSync.done())) return;
  for (const folder of folders) await syncFolderIfThere(root.fs, folder);
}

function outcomes({ bucket }: CopyPlace, orders: readonly CopyOrder[], written: readonly Written[], named: ReadonlyMap<CopyOrder, Named>): CopyOutcome[] {
  return orders.map((order, i) => {
    const copy = written[i];
    const end = copy === undefined || !isWritten(copy) ? copy : named.get(order);
    if (end !== undefined && 'state' in end && copy !== undefined && isWritten(copy))
      return { key: order.to, ok: true, info: infoOf(order.to, end.state, copy.headers) };
    return { key: order.to, ok: false, error: errorOf(end as CopyFailure, order.to, bucket) };
  });
}

function errorOf({ code, message, retryable }: CopyFailure, key: string, bucket: string): StorageError {
  return new StorageError(code, `${JSON.stringify(key)}: ${message}`, { operation: 'copy', provider: 'fs', bucket, key, retryable });
}

function isWritten(written: Written): written is WrittenCopy {
  return 'temporary' in written;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function slicesOf<T>(all: readonly T[], size: number): T[][] {
  const slices: T[][] = [];
  for (let i = 0; i < all.length; i += Math.max(1, size)) slices.push(all.slice(i, i + Math.max(1, size)));
  return slices;
}

/** All outcomes, in order. Rejects only when every slice has come to its end: nobody cleans up while a thread still writes. */
async function allOf<T>(slices: readonly Promise<readonly T[]>[]): Promise<T[]> {
  const ends = await Promise.allSettled(slices);
  return ends.flatMap((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}
