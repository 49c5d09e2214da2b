import { StorageError } from '@stowage/core';
import { type Counts, type MirrorReport, OUTCOME_KINDS, type OutcomeKind } from '@stowage/transfer';
import { describe, expect, it } from 'vitest';
import { exitCode } from '../src/exit-code.ts';

function report(objects: Partial<Record<OutcomeKind, number>>, change: Partial<MirrorReport> = {}): MirrorReport {
  const listing = { objects: 0, bytes: 0, issues: 0 };
  const counts = Object.fromEntries(OUTCOME_KINDS.map((kind) => [kind, { objects: objects[kind] ?? 0, bytes: 0 }])) as unknown as Counts;
  return {
    mode: 'sync',
    dryRun: false,
    counts,
    reasons: {},
    source: listing,
    destination: listing,
    complete: true,
    keys: 0,
    balanced: true,
    destinationDenied: false,
    elapsedMs: 1,
    ...change,
  };
}
const store = (code: 'OutOfSpace' | 'BucketNotFound', side: 'source' | 'destination'): Partial<MirrorReport> => ({
  stopped: { by: 'store', side, error: new StorageError(code, '') },
});
const limited: Partial<MirrorReport> = { stopped: { by: 'limit', error: new Error('x') } };

describe('exitCode', () => {
  it.each([
    ['all is well', report({ same: 5, copied: 2, skipped: 3 }), false, 0],
    ['something failed', report({ failed: 1 }), false, 1],
    ['something conflicts', report({ conflict: 1 }), false, 1],
    ['the sums do not match', report({}, { balanced: false }), false, 1],
    ['a listing failed', report({}, { complete: false, stopped: { by: 'listing', side: 'source', error: new Error('x') } }), false, 1],
    ['the disk is full', report({}, store('OutOfSpace', 'destination')), false, 1],
    ['the destination is gone', report({ failed: 1 }, store('BucketNotFound', 'destination')), false, 4],
    ['the source is gone', report({ failed: 1 }, store('BucketNotFound', 'source')), false, 3],
    ['the destination denied every copy', report({ failed: 2, skipped: 1 }, { destinationDenied: true }), false, 4],
    ['a limit is reached', report({ skipped: 1 }, limited), false, 8],
    ['a limit is reached before deletions', report({}, { ...limited, guard: { guard: 'interrupted', message: '' } }), false, 8],
    ['a limit is reached, and something failed', report({ failed: 1 }, limited), false, 1],
    ['a guard tripped at a limit', report({}, { ...limited, guard: { guard: 'failed-copies', message: '' } }), false, 5],
    ['a guard tripped', report({ failed: 1 }, { guard: { guard: 'failed-copies', message: '' } }), false, 5],
    ['a check finds a difference', report({ copied: 1, failed: 1 }, { mode: 'check' }), false, 6],
    ['a check finds what the destination cannot hold', report({ conflict: 1 }, { mode: 'check' }), false, 6],
    ['a check could not compare', report({ failed: 1 }, { mode: 'check' }), false, 1],
    ['a check finds none', report({ same: 1, skipped: 1 }, { mode: 'check' }), false, 0],
    ['a plan would change, and is asked', report({ deleted: 1 }, { dryRun: true }), true, 9],
    ['a plan would change', report({ copied: 1 }, { dryRun: true }), false, 0],
    ['a plan would not change, and is asked', report({ same: 1 }, { dryRun: true }), true, 0],
    ['a plan finds a conflict, and is asked', report({ conflict: 1, copied: 1 }, { dryRun: true }), true, 1],
  ] as const)('%s', (_, given, asked, expected) => {
    expect(exitCode(given, asked)).toBe(expected);
  });
});
