// The thread that walks: it makes one page for each request, so that whoever reads slowly holds it up. Runs as it is, from source.
import * as nodeFs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { faultOf } from './fault.ts';
import { NameFolding } from './name-folding.ts';
import { type PackedPage, PageCutter } from './walk-page.ts';
import { walk, type WalkInterval } from './walk.ts';

/** What the thread is told when it starts. */
export interface WalkSettings {
  readonly path: string;
  readonly followLinks: boolean;
}

export type WalkRequest =
  | { readonly id: number; readonly ask: 'open'; readonly interval: WalkInterval; readonly limit: number }
  | { readonly id: number; readonly ask: 'page' | 'close' };

export type WalkAnswer =
  | { readonly id: number; readonly page: PackedPage }
  | { readonly id: number; readonly fault: Pick<ReturnType<typeof faultOf>, 'code' | 'message' | 'retryable'> };

const settings = workerData as WalkSettings;
const root = { ...settings, fs: nodeFs, folding: new NameFolding() };
const walks = new Map<number, { readonly cutter: PageCutter; readonly limit: number }>();

parentPort?.on('message', (request: WalkRequest) => {
  const { id } = request;
  if (request.ask === 'close') {
    walks.delete(id);
    return;
  }
  try {
    if (request.ask === 'open') walks.set(id, { cutter: new PageCutter(walk(root, request.interval)), limit: request.limit });
    const open = walks.get(id);
    if (open === undefined) return; // It ended while the request for more was on its way.
    const page = open.cutter.cut(open.limit);
    if (page.next === undefined) walks.delete(id);
    const answer: WalkAnswer = { id, page };
    parentPort?.postMessage(answer, [page.numbers.buffer]);
  } catch (error) {
    walks.delete(id);
    const { code, message, retryable } = faultOf(error, 'read');
    const answer: WalkAnswer = { id, fault: { code, message, retryable } };
    parentPort?.postMessage(answer);
  }
});
