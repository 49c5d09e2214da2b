import { Worker } from 'node:worker_threads';
import { FsFault } from './fault.ts';
import type { Root } from './place.ts';
import type { PackedPage } from './walk-page.ts';
import type { WalkAnswer, WalkRequest, WalkSettings } from './walk-worker.ts';
import type { WalkInterval } from './walk.ts';

/** Pages that are asked for before they are read: the thread walks on while a page is used. */
const PAGES_AHEAD = 3;

/** What the thread makes is sent off or forgotten at once; by default its young generation would take seven times that. */
const YOUNG_MB = 2;

interface Reader {
  readonly pages: PackedPage[];
  failure?: Error;
  wake: () => void;
}

/** A thread that walks for one driver, any number of listings at a time. It starts with the first and holds up no process. */
export class WalkThread {
  readonly #settings: WalkSettings;
  readonly #readers = new Map<number, Reader>();
  #worker: Worker | undefined;
  #ids = 0;

  constructor(root: Root) {
    this.#settings = { path: root.path, followLinks: root.followLinks };
  }

  async *pages(interval: WalkInterval, limit: number): AsyncGenerator<PackedPage, void, undefined> {
    const id = ++this.#ids;
    const reader: Reader = { pages: [], wake: () => undefined };
    const worker = this.#start();
    this.#readers.set(id, reader);
    worker.ref();
    const ask = (request: WalkRequest): void => worker.postMessage(request);
    try {
      ask({ id, ask: 'open', interval, limit });
      for (let i = 1; i < PAGES_AHEAD; i++) ask({ id, ask: 'page' });
      for (;;) {
        while (reader.pages.length === 0) {
          if (reader.failure !== undefined) throw reader.failure;
          await new Promise<void>((resolve) => (reader.wake = resolve));
        }
        const page = reader.pages.shift();
        if (page === undefined) continue;
        if (page.next !== undefined) ask({ id, ask: 'page' });
        yield page;
        if (page.next === undefined) return;
      }
    } finally {
      this.#readers.delete(id);
      ask({ id, ask: 'close' });
      if (this.#readers.size === 0) worker.unref();
    }
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const file = import.meta.url.endsWith('.ts') ? './walk-worker.ts' : './walk-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: this.#settings,
      name: 'stowage-walk',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.unref();
    worker.on('message', (answer: WalkAnswer) => {
      const reader = this.#readers.get(answer.id);
      if (reader === undefined) return;
      if ('page' in answer) reader.pages.push(answer.page);
      else reader.failure = new FsFault(answer.fault.code, answer.fault.message, answer.fault.retryable);
      reader.wake();
    });
    const fail = (failure: Error): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const reader of this.#readers.values()) {
        reader.failure ??= failure;
        reader.wake();
      }
    };
    worker.on('error', (error) => fail(new FsFault('Unavailable', `the thread that lists folders failed: ${String(error)}`, true, error)));
    worker.on('exit', () => fail(new FsFault('Unavailable', 'the bucket was closed while it was listed', false)));
    this.#worker = worker;
    return worker;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}
