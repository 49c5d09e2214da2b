import { Worker } from 'node:worker_threads';
import { FsFault } from './fault.ts';
import type { CopyAnswer, CopyRequest } from './copy-worker.ts';

interface Job {
  readonly request: CopyRequest;
  readonly resolve: (outcomes: CopyAnswer['outcomes']) => void;
  readonly reject: (error: unknown) => void;
}

/** The threads that copy for one driver: each does one slice at a time. They start when first needed and hold up no process. */
export class CopyThreads {
  readonly #limit: number;
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  #ids = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#limit;
  }

  run<T extends CopyAnswer['outcomes'][number]>(request: Omit<CopyRequest, 'id'>): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const job: Job = { request: { ...request, id: ++this.#ids }, resolve: resolve as Job['resolve'], reject };
      // Names first: a copy is done the sooner, and what is written but not named does not pile up.
      if (request.copies === undefined) this.#waiting.push(job);
      else this.#waiting.unshift(job);
      this.#next();
    });
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
      if (failure === undefined) job?.reject(closed());
      else job?.reject(new FsFault('Unavailable', `a thread that copies failed: ${failure.message}`, true, failure));
      if (failure !== undefined) this.#next();
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
