export const PARTS = 40;
const PART_BYTES = 64 * 1024;

/** The same in every process. */
export function partOf(index: number): Buffer {
  return Buffer.alloc(PART_BYTES + index, `part ${index} `);
}
