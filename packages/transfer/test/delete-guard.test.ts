import { describe, expect, it } from 'vitest';
import { type DeleteCase, judgeDeletions, parseDeleteLimit } from '../src/delete-guard.ts';

const FINE: DeleteCase = {
  deletions: 10,
  sourceObjects: 1000,
  destinationObjects: 1000,
  doubts: [],
  doubtful: 0,
  failures: 0,
  interrupted: false,
  limit: undefined,
};

describe('judgeDeletions', () => {
  it.each([
    ['nothing is in doubt', {}, undefined],
    ['there is nothing to delete, whatever else', { deletions: 0, failures: 5, sourceObjects: 0, interrupted: true }, undefined],
    ['100 are no more than 100, though all', { deletions: 100, destinationObjects: 100 }, undefined],
    ['101 of 404 are 25 %', { deletions: 101, destinationObjects: 404 }, undefined],
    ['101 of 403 are more', { deletions: 101, destinationObjects: 403 }, 'max-delete'],
    ['a limit of its own is reached', { deletions: 5, limit: { objects: 5 } }, undefined],
    ['a limit of its own is passed', { deletions: 6, limit: { objects: 5 } }, 'max-delete'],
    ['a limit of 0 allows none', { deletions: 1, limit: { objects: 0 } }, 'max-delete'],
    ['a share of its own is reached', { deletions: 50, limit: { percent: 5 } }, undefined],
    ['a share of its own is passed, however few they are', { deletions: 2, destinationObjects: 3, limit: { percent: 50 } }, 'max-delete'],
    ['a large limit allows much', { deletions: 900, limit: { objects: 1000 } }, undefined],
    ['a copy failed', { failures: 1 }, 'failed-copies'],
    ['a listing is in doubt', { doubts: ['the source could not be read'], doubtful: 1 }, 'incomplete-listing'],
    ['the source is empty', { sourceObjects: 0 }, 'empty-source'],
    ['the run was stopped', { interrupted: true }, 'interrupted'],
  ] as const)('%s', (_, change, guard) => {
    expect(judgeDeletions({ ...FINE, ...change })?.guard).toBe(guard);
  });

  it('says what was kept, why, and what to do', () => {
    expect(judgeDeletions({ ...FINE, deletions: 600 })?.message).toBe(
      "600 objects were to be deleted and none was: that is 60 % of the destination's 1000 objects, over the default limit of 25 % and 100 objects; if it is right, allow it with --max-delete 600",
    );
  });
});

describe('parseDeleteLimit', () => {
  it.each([
    ['0', { objects: 0 }],
    ['100', { objects: 100 }],
    ['25%', { percent: 25 }],
    ['2.5 %', { percent: 2.5 }],
    ['100%', { percent: 100 }],
    ['101%', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['%', undefined],
    ['many', undefined],
  ])('%j', (text, expected) => {
    expect(parseDeleteLimit(text)).toEqual(expected);
  });
});
