import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { editDistance, nearestName } from '../../src/wording/nearest-name.ts';

describe('nearestName', () => {
  const providers = ['minio', 'azure', 'google', 'fs'];

  it.each([
    ['mino', 'minio'],
    ['AZURE', 'azure'],
    ['asure', 'azure'],
    ['gogle', 'google'],
    ['googel', 'google'],
    ['sf', 'fs'],
    ['minimal', undefined],
    ['dropbox', undefined],
    ['', undefined],
  ])('%j is most likely %s', (name, near) => {
    expect(nearestName(name, providers)).toBe(near);
  });
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['STORAGE_ENPOINT', 'STORAGE_ENDPOINT', 1],
  ])('from %j to %j: %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is the same both ways, and 0 for equals only', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
