import { Worker } from 'node:worker_threads';
import { FsFault } from './fault.ts';
import type { CopyAnswer, CopyRequest } from './copy-worker.ts';

interface Job {
  readonly request: CopyRequest;
  readonly resolve: (outcomes: CopyAnswer['outcomes']) => void;
  readonly reject: (error: unknown) => void;
  /** Stops listening to the signal. */
  settle?: () => void;
}

/** How long a thread may go on with what it does when its copy is aborted: a file of 100 MB takes less. */
const GRACE_MS = 250;

/** The threads that copy for one driver: each does one slice at a time. They start when first needed and hold up no process. */
export class CopyThreads {
  readonly #limit: number;
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  /** Threads that were ended on purpose, and why. */
  readonly #ended = new WeakMap<Worker, unknown>();
  #ids = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#limit;
  }

  /** Rejects with the signal's reason; a thread that does not come back soon after is ended: a call that copies a large file cannot be stopped otherwise. */
  run<T extends CopyAnswer['outcomes'][number]>(request: Omit<CopyRequest, 'id'>, signal?: AbortSignal): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const job: Job = { request: { ...request, id: ++this.#ids }, resolve: resolve as Job['resolve'], reject };
      const abort = (): void => this.#abandon(job, signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      job.settle = (): void => signal?.removeEventListener('abort', abort);
      // Names first: a copy is done the sooner, and what is written but not named does not pile up.
      if (request.copies === undefined) this.#waiting.push(job);
      else this.#waiting.unshift(job);
      this.#next();
    });
  }

  #abandon(job: Job, reason: unknown): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      job.reject(reason);
      return;
    }
    setTimeout(() => {
      for (const [worker, running] of this.#running) {
        if (running !== job) continue;
        this.#ended.set(worker, reason);
        void worker.terminate();
      }
    }, GRACE_MS);
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#running.size < this.#limit ? this.#start() : undefined);
      const job = worker === undefined ? undefined : this.#waiting.shift();
      if (worker === undefined || job === undefined) return;
      this.#running.set(worker, job);
      worker.ref();
      worker.postMessage(job.request);
    }
  }

  #start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './copy-worker.ts' : './copy-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { name: 'stowage-copy' });
    worker.unref();
    worker.on('message', ({ outcomes }: CopyAnswer) => {
      const job = this.#running.get(worker);
      this.#running.delete(worker);
      worker.unref();
      this.#idle.push(worker);
      job?.settle?.();
      job?.resolve(outcomes);
      this.#next();
    });
    let failure: Error | undefined;
    worker.on('error', (error) => (failure = error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => {
      const job = this.#running.get(worker);
      this.#running.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      job?.settle?.();
      if (this.#ended.has(worker)) job?.reject(this.#ended.get(worker));
      else if (failure === undefined) job?.reject(closed());
      else job?.reject(new FsFault('Unavailable', `a thread that copies failed: ${failure.message}`, true, failure));
      if (failure !== undefined || this.#ended.has(worker)) this.#next();
    });
    return worker;
  }

  async close(): Promise<void> {
    for (const job of this.#waiting.splice(0)) job.reject(closed());
    await Promise.all([...this.#idle, ...this.#running.keys()].map((worker) => worker.terminate()));
  }
}

function closed(): FsFault {
  return new FsFault('Unavailable', 'the bucket was closed while it copied', false);
}
