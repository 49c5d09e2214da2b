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

/** Watches how far the resident set grows over what it was at the start. */
class ResidentSet {
  readonly #start: number;
  #peak: number;

  constructor() {
    this.#start = process.memoryUsage.rss();
    this.#peak = this.#start;
  }

  look(): void {
    this.#peak = Math.max(this.#peak, process.memoryUsage.rss());
  }

  expectGrowth(most: number, what: string): void {
    this.look();
    const growth = this.#peak - this.#start;
    if (growth > most) fail(`${what}: expected the resident set to grow by at most ${most} bytes; it grew by ${growth}`, growth, most);
  }
}

/** The same megabyte over and over, each time in memory of its own, as a file or a socket gives it. */
async function* largeContent(bytes: number, resident: ResidentSet): AsyncGenerator<Uint8Array, void, undefined> {
  const block = contentOf(CHUNK_BYTES);
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    resident.look();
    yield block.slice(0, Math.min(left, CHUNK_BYTES));
  }
}

async function measureUpload(c: CaseContext, declared: boolean): Promise<void> {
  const { bytes, growthBytes } = limits(c);
  const resident = new ResidentSet();
  await c.bucket.put(KEY, largeContent(bytes, resident), declared ? { size: bytes } : {});
  resident.expectGrowth(growthBytes, `${bytes} bytes up`);
}

export const memoryCases: readonly ConformanceCase[] = casesOf('memory', [writable, measurable], [
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
      await c.bucket.put(KEY, largeContent(bytes, new ResidentSet()), { size: bytes });
      const block = contentOf(CHUNK_BYTES);
      const resident = new ResidentSet();
      let at = 0;
      for await (const chunk of await c.bucket.get(KEY)) {
        expectRepeated(chunk, at, block);
        at += chunk.byteLength;
        resident.look();
      }
      if (at !== bytes) fail(`expected ${bytes} bytes down, got ${at}`, at, bytes);
      resident.expectGrowth(growthBytes, `${bytes} bytes down`);
    },
  },
]);

/** The chunk is what stands at that place of the block, repeated. */
function expectRepeated(chunk: Uint8Array, at: number, block: Uint8Array): void {
  for (let done = 0; done < chunk.byteLength; ) {
    const from = (at + done) % block.byteLength;
    const length = Math.min(block.byteLength - from, chunk.byteLength - done);
    if (Buffer.compare(chunk.subarray(done, done + length), block.subarray(from, from + length)) !== 0) fail(`the content differs between bytes ${at + done} and ${at + done + length}`);
    done += length;
  }
}
