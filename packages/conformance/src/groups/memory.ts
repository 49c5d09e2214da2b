import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase, type Need } from '../conformance-case.ts';
import { contentOf } from '../content.ts';
import { fail } from '../expectations.ts';
import { writable } from '../needs.ts';

const KEY = 'memory/large.bin';
const DEFAULT_BYTES = 256 * 1024 * 1024;
const DEFAULT_GROWTH_BYTES = 150_000_000;
const CHUNK_BYTES = 1024 * 1024;
const TEN_MINUTES = 600_000;

/** A store that keeps its objects in this process cannot be measured from within it. */
const measurable: Need = (_capabilities, { memory }) => (memory !== undefined && 'skip' in memory ? memory.skip : true);

function limits({ harness: { memory } }: CaseContext): { bytes: number; growthBytes: number } {
  const given = memory === undefined || 'skip' in memory ? {} : memory;
  return { bytes: given.bytes ?? DEFAULT_BYTES, growthBytes: given.growthBytes ?? DEFAULT_GROWTH_BYTES };
}

/**
 * Watches how far memory grows over what it was at the start: the resident set, and what JavaScript holds. The second one tells
 * where the first is large already, because of what ran before.
 */
class MemoryGrowth {
  readonly #most: number;
  readonly #resident: number;
  readonly #held: number;
  #peak = 0;

  constructor(most: number) {
    this.#most = most;
    collectGarbage();
    this.#resident = process.memoryUsage.rss();
    this.#held = heldBytes();
  }

  look(): void {
    if (this.#peak > this.#most) return;
    if (heldBytes() - this.#held > this.#most) collectGarbage();
    this.#peak = Math.max(this.#peak, process.memoryUsage.rss() - this.#resident, heldBytes() - this.#held);
  }

  expectBounded(what: string): void {
    this.look();
    if (this.#peak > this.#most) fail(`${what}: expected memory to grow by at most ${this.#most} bytes; it grew by ${this.#peak}`, this.#peak, this.#most);
  }
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Node has no function for it unless it was started with a flag, which a context made after setting the flag has, too. */
const collectGarbage: () => void = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return () => {
    // The buffers that one collection finds are given back in the background; the next one waits for that.
    collect();
    collect();
  };
})();

/** The same megabyte over and over, each time in memory of its own, as a file or a socket gives it. */
async function* largeContent(bytes: number, growth: MemoryGrowth): AsyncGenerator<Uint8Array, void, undefined> {
  const block = contentOf(CHUNK_BYTES);
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    growth.look();
    yield block.slice(0, Math.min(left, CHUNK_BYTES));
  }
}

async function measureUpload(c: CaseContext, declared: boolean): Promise<void> {
  const { bytes, growthBytes } = limits(c);
  const growth = new MemoryGrowth(growthBytes);
  // Whatever waits for each chunk or for an abort must not keep the chunk until the end of both.
  const { signal } = new AbortController();
  await c.bucket.put(KEY, largeContent(bytes, growth), { signal, ...(declared ? { size: bytes } : {}) });
  growth.expectBounded(`${bytes} bytes up`);
}

export const memoryCases: readonly ConformanceCase[] = casesOf(
  'memory',
  [writable, measurable],
  [
    {
      name: 'a large object of known size goes up in bounded memory',
      timeoutMs: TEN_MINUTES,
      run: (c) => measureUpload(c, true),
    },
    {
      name: 'a large object of unknown size goes up in bounded memory',
      timeoutMs: TEN_MINUTES,
      run: (c) => measureUpload(c, false),
    },
    {
      name: 'a large object comes down in bounded memory, whole',
      timeoutMs: TEN_MINUTES,
      async run(c) {
        const { bytes, growthBytes } = limits(c);
        await c.bucket.put(KEY, largeContent(bytes, new MemoryGrowth(growthBytes)), { size: bytes });
        const block = contentOf(CHUNK_BYTES);
        const growth = new MemoryGrowth(growthBytes);
        let at = 0;
        for await (const chunk of await c.bucket.get(KEY)) {
          expectRepeated(chunk, at, block);
          at += chunk.byteLength;
          growth.look();
        }
        if (at !== bytes) fail(`expected ${bytes} bytes down, got ${at}`, at, bytes);
        growth.expectBounded(`${bytes} bytes down`);
      },
    },
  ],
);

/** The chunk is what stands at that place of the block, repeated. */
function expectRepeated(chunk: Uint8Array, at: number, block: Uint8Array): void {
  for (let done = 0; done < chunk.byteLength;) {
    const from = (at + done) % block.byteLength;
    const length = Math.min(block.byteLength - from, chunk.byteLength - done);
    if (Buffer.compare(chunk.subarray(done, done + length), block.subarray(from, from + length)) !== 0)
      fail(`the content differs between bytes ${at + done} and ${at + done + length}`);
    done += length;
  }
}
