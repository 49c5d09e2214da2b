import type { Capabilities, Checksums, ObjectInfo } from '@stowage/core';
import { memoryDriver } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import { decide, timePrecision, type TimePrecision } from '../src/delta.ts';

const EXACT: TimePrecision = { toleranceMs: 0, carried: true };
const NOON = Date.UTC(2026, 0, 1, 12);

function object(size: number, atMs: number = NOON, checksums: Checksums = {}): ObjectInfo {
  return { key: 'k', size, lastModified: new Date(atMs), revision: { etag: 'e' }, checksums };
}

describe('decide', () => {
  it.each([
    ['sizes differ', object(1), object(2), 'auto', EXACT, 'size'],
    ['sizes differ, whatever the comparison', object(1), object(2), 'size', EXACT, 'size'],
    ['size and time are equal', object(1), object(1), 'auto', EXACT, 'same'],
    ['the source is newer', object(1, NOON + 1), object(1), 'auto', EXACT, 'time'],
    ['the source is older, and copies carry times', object(1, NOON - 1), object(1), 'auto', EXACT, 'time'],
    ['the source is older, and copies carry no times', object(1, NOON - 1), object(1), 'auto', { toleranceMs: 0, carried: false }, 'same'],
    ['the source is newer, and copies carry no times', object(1, NOON + 1), object(1), 'auto', { toleranceMs: 0, carried: false }, 'time'],
    ['the times are apart by the tolerance', object(1, NOON + 2000), object(1), 'auto', { toleranceMs: 2000, carried: true }, 'same'],
    ['the times are apart by more than the tolerance', object(1, NOON - 2001), object(1), 'auto', { toleranceMs: 2000, carried: true }, 'time'],
    ['only sizes count', object(1, NOON + 9e9), object(1), 'size', EXACT, 'same'],
    ['checksums agree, times do not', object(1, NOON + 9e9, { md5: 'x' }), object(1, NOON, { md5: 'x' }), 'auto', EXACT, 'same'],
    ['checksums differ, times agree', object(1, NOON, { md5: 'x' }), object(1, NOON, { md5: 'y' }), 'auto', EXACT, 'checksum'],
    ['the stronger checksum counts', object(1, NOON, { crc32: 'a', sha256: 'x' }), object(1, NOON, { crc32: 'a', sha256: 'y' }), 'auto', EXACT, 'checksum'],
    ['the checksums are of different kinds', object(1, NOON, { md5: 'x' }), object(1, NOON, { crc32: 'x' }), 'auto', EXACT, 'same'],
    ['content is asked for, and no checksum is listed', object(1), object(1), 'content', EXACT, 'compare'],
    ['content is asked for, and checksums are listed', object(1, NOON, { md5: 'x' }), object(1, NOON, { md5: 'y' }), 'content', EXACT, 'checksum'],
    ['content is asked for, and there is none', object(0), object(0, NOON + 5), 'content', EXACT, 'same'],
  ] as const)('%s', (_, source, destination, comparison, precision, expected) => {
    expect(decide(source, destination, comparison, precision)).toBe(expected);
  });
});

describe('timePrecision', () => {
  const { capabilities } = memoryDriver();
  const coarse = (precisionMs: number, set: Capabilities['lastModified']['set'] = 'native'): Capabilities => ({
    ...capabilities,
    lastModified: { set, precisionMs },
  });

  it('takes the coarser of the two', () => {
    expect(timePrecision(coarse(1), coarse(2000)).toleranceMs).toBe(2000);
    expect(timePrecision(coarse(1000), coarse(1)).toleranceMs).toBe(1000);
  });
  it('asks the destination whether copies carry times', () => {
    expect(timePrecision(coarse(1, false), coarse(1)).carried).toBe(true);
    expect(timePrecision(coarse(1), coarse(1, false)).carried).toBe(false);
  });
});
