import {
  type Bucket,
  type BucketDriver,
  type Capabilities,
  type CopyOutcome,
  delegate,
  type ErrorCode,
  type Layer,
  type ListIssue,
  memoryDriver,
  openBucket,
  StorageError,
} from '@stowage/core';
import { tmpdir } from 'node:os';
import type { MirrorOptions, MirrorReport, Outcome, ProgressSnapshot } from '../src/index.ts';
import { balancedMirror } from './balanced-mirror.ts';

/** One modification time for all objects of a tree, unless a test sets another. */
export const THEN: Date = new Date('2026-01-02T03:04:05.678Z');

export type Tree = Readonly<Record<string, string>>;

/** A bucket in memory that holds the tree; its layers see what they are given, from the driver outwards. */
export async function bucketOf(tree: Tree, ...layers: Layer[]): Promise<Bucket> {
  const bucket = openBucket(memoryDriver());
  for (const [key, content] of Object.entries(tree)) await bucket.put(key, content, { lastModified: THEN });
  return layers.length === 0 ? bucket : bucket.with(...layers);
}

export async function treeOf(bucket: Bucket): Promise<Tree> {
  const tree: Record<string, string> = {};
  for await (const page of bucket.listPages()) for (const { key } of page.objects) tree[key] = await (await bucket.get(key)).text();
  return tree;
}

/** Changes some capabilities; the driver underneath stays as able as it is. */
export function capable(change: (c: Capabilities) => Capabilities): Layer {
  return (inner) => delegate(inner, { capabilities: change(inner.capabilities) });
}

/** A store of another maker, which cannot reach the source by itself: copies go through this process. */
export const apart: Layer = (inner) => delegate(inner, { canCopyFrom: () => false });

/** Listings that tell no checksums, as those of a disk. */
export const noChecksums: Layer = (inner) =>
  delegate(inner, {
    async *list(o): ReturnType<BucketDriver['list']> {
      for await (const page of inner.list(o)) yield { ...page, objects: page.objects.map((info) => ({ ...info, checksums: {} })) };
    },
  });

/** A listing that meets these issues among its objects. */
export function withIssues(...issues: ListIssue[]): Layer {
  return (inner) =>
    delegate(inner, {
      async *list(o): ReturnType<BucketDriver['list']> {
        let first = true;
        for await (const page of inner.list(o)) {
          yield first ? { ...page, issues: [...page.issues, ...issues] } : page;
          first = false;
        }
      },
    });
}

/** A destination that refuses to copy one key, by itself or in a batch, and copies the others. */
export function failingCopy(key: string, code: ErrorCode): Layer {
  return (inner) =>
    delegate(inner, {
      async copyMany(items, o) {
        const others = await inner.copyMany(
          items.filter((item) => item.to !== key),
          o,
        );
        const made = new Map(others.map((outcome) => [outcome.key, outcome]));
        const refused: CopyOutcome = { key, ok: false, error: new StorageError(code, `injected fault: ${code}`, { operation: 'copy', key }) };
        return items.map((item) => made.get(item.to) ?? refused);
      },
    });
}

export interface Ran {
  readonly report: MirrorReport;
  readonly outcomes: readonly Outcome[];
  readonly notices: readonly string[];
  readonly progress: ProgressSnapshot;
}

let clock = 0;

/** Runs a mirror to its end, and keeps what it told. */
export async function ran(source: Bucket, destination: Bucket, options: Partial<MirrorOptions> = {}): Promise<Ran> {
  const outcomes: Outcome[] = [];
  const notices: string[] = [];
  const run = balancedMirror(source, destination, {
    mode: 'sync',
    retries: 0,
    scratchFolder: tmpdir(),
    now: () => clock++,
    ...options,
    observer: { outcomes: (batch) => void outcomes.push(...batch), notice: (text) => void notices.push(text), ...options.observer },
  });
  return { report: await run.report, outcomes, notices, progress: run.progress() };
}

/** `kind` or `kind:reason` of each key. */
export function byKey(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(outcomes.map(({ key, kind, reason }) => [key, reason === undefined ? kind : `${kind}:${reason}`]));
}
