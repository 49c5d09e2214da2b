// The thread that copies: writes temporaries, or gives them their names, a slice of a batch at a time. Runs as it is, from source.
import * as nodeFs from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { type CopyOrder, CopyTask, type Named, type Written, type WrittenCopy } from './copy-task.ts';
import { NameFolding } from './name-folding.ts';
import type { Root } from './place.ts';
import { whileBusySync } from './waiting.ts';

export interface CopyRequest {
  readonly id: number;
  readonly to: { readonly path: string; readonly followLinks: boolean };
  readonly orders: readonly CopyOrder[];
  /** Absent: write. Present: give these their names. */
  readonly copies?: readonly WrittenCopy[];
  /** One number, not 0 once the copy was aborted. */
  readonly aborted: Int32Array;
}

export interface CopyAnswer {
  readonly id: number;
  readonly outcomes: readonly (Written | Named)[];
}

const roots = new Map<string, Root>();

function rootOf({ path, followLinks }: CopyRequest['to']): Root {
  let root = roots.get(path);
  if (root === undefined) roots.set(path, (root = { fs: nodeFs, path, followLinks, folding: new NameFolding() }));
  return root;
}

parentPort?.on('message', ({ id, to, orders, copies, aborted }: CopyRequest) => {
  const task = new CopyTask(rootOf(to), () => Atomics.load(aborted, 0) !== 0);
  const answer: CopyAnswer = { id, outcomes: copies === undefined ? task.write(orders) : task.name(orders, copies, whileBusySync) };
  parentPort?.postMessage(answer);
});
