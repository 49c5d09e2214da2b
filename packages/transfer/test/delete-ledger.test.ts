import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeleteLedger, type DoomedObject } from '../src/delete-ledger.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function doomed(count: number): DoomedObject[] {
  const revisions = [{ etag: '"e"' }, { version: '7' }, { etag: 'x', version: 'y' }, {}];
  // Long keys, so that many of them pass the size of one write and one read.
  return Array.from({ length: count }, (_, i) => ({ key: `k\n"${'ü😀'.repeat(20)}${i}`, size: i, revision: revisions[i % 4] ?? {} }));
}

describe('DeleteLedger', () => {
  it.each([
    [0, 10, 3],
    [10, 10, 3],
    [11, 10, 3],
    [5000, 10, 7],
    [5000, 0, 1000],
  ])('gives back %i objects, %i of them in memory, %i at a time', (count, inMemory, atOnce) => {
    const ledger = new DeleteLedger(folder, inMemory);
    const all = doomed(count);
    for (const object of all) ledger.add(object);
    const batches = [...ledger.batches(atOnce)];
    ledger.close();
    expect(batches.flat()).toEqual(all);
    expect(batches.every((batch) => batch.length > 0 && batch.length <= atOnce)).toBe(true);
    expect(ledger.objects).toBe(count);
    expect(ledger.bytes).toBe(all.reduce((sum, { size }) => sum + size, 0));
  });

  it('has no file by name, even while it holds one', () => {
    const ledger = new DeleteLedger(folder, 0);
    for (const object of doomed(5000)) ledger.add(object);
    expect(ledger.objects).toBe(5000);
    expect(readdirSync(folder)).toEqual([]);
    ledger.close();
  });
});
