import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeName, diskKeyFault, encodeSegment, isTemporaryName, keyToNames } from '../src/names.ts';
import { temporaryName } from '../src/temporary-file.ts';

const TEMPORARY = '.stowage-0123456789ab-1a2b-3c4d5e-6.tmp';
/** Segments of every shape that the rules are about, and any others. */
const segments = fc.oneof(
  fc.constantFrom(
    '',
    '.stowage',
    '.STOWAGE',
    '.Stowage',
    TEMPORARY,
    '.stowage-x.tmp',
    '%00',
    '%2500',
    '%2Estowage',
    '%2estowage',
    `%2E${TEMPORARY.slice(1)}`,
    '%',
    '%25',
    '%2E',
    'a%00',
    '%00a',
  ),
  fc.tuple(fc.nat(4), fc.constantFrom('00', '2Estowage', '2ESTOWAGE', `2E${TEMPORARY.slice(1)}`, '2E', '0', 'x')).map(([n, end]) => `%${'25'.repeat(n)}${end}`),
  fc.string({ unit: 'binary' }).filter((text) => !/[/\0]/.test(text) && text.isWellFormed()),
);
const names = segments.filter((name) => name !== '' && name !== '.' && name !== '..');

describe('names of files', () => {
  test.each([
    ['a/b.txt', ['a', 'b.txt']],
    ['/lead', ['%00', 'lead']],
    ['a//b', ['a', '%00', 'b']],
    ['trail/', ['trail', '%00']],
    ['/', ['%00', '%00']],
    ['%00', ['%2500']],
    ['%2500', ['%252500']],
    ['100%', ['100%']],
    ['%2F%41', ['%2F%41']],
    ['.stowage/x', ['%2Estowage', 'x']],
    ['.STOWAGE', ['%2ESTOWAGE']],
    ['a/.stowage', ['a', '.stowage']],
    ['%2Estowage', ['%252Estowage']],
    ['a/%2Estowage', ['a', '%2Estowage']],
    [`a/${TEMPORARY}`, ['a', `%2E${TEMPORARY.slice(1)}`]],
    ['.stowage-notes.tmp', ['.stowage-notes.tmp']],
  ])('%j lies at %j', (key, expected) => {
    expect(keyToNames(key)).toEqual(expected);
  });

  test('every segment has one name and comes back from it', () => {
    fc.assert(
      fc.property(segments, fc.boolean(), (segment, first) => {
        const name = encodeSegment(segment, first);
        expect(name).not.toBe('');
        expect(decodeName(name, first)).toBe(segment);
      }),
      { numRuns: 3000 },
    );
  });

  test("every name that is not Stowage's own stands for one segment, whose name it is", () => {
    fc.assert(
      fc.property(names, fc.boolean(), (name, first) => {
        const segment = decodeName(name, first);
        if (segment === undefined) expect(isTemporaryName(name) || (first && name.toLowerCase() === '.stowage')).toBe(true);
        else expect(encodeSegment(segment, first)).toBe(name);
      }),
      { numRuns: 3000 },
    );
  });

  test('no key lies in a name of ours', () => {
    fc.assert(
      fc.property(segments, fc.boolean(), (segment, first) => {
        const name = encodeSegment(segment, first);
        expect(isTemporaryName(name)).toBe(false);
        if (first) expect(name.toLowerCase()).not.toBe('.stowage');
      }),
    );
  });

  test('temporaries that are made are known as such', () => {
    expect(isTemporaryName(temporaryName())).toBe(true);
    expect(temporaryName()).not.toBe(temporaryName());
  });

  test.each([
    ['s'.repeat(255), undefined],
    ['s'.repeat(256), /256 bytes of UTF-8, a file name has 255/],
    ['é'.repeat(128), /256 bytes/],
    ['%00', undefined],
    [`${'k'.repeat(200)}/`.repeat(5).slice(0, 1024), undefined],
    [`${'k'.repeat(200)}/`.repeat(6).slice(0, 1025), /1025 bytes of UTF-8, 1024 are allowed/],
    [`%2E${TEMPORARY.slice(1)}`, undefined],
  ])('a disk holds %j: %s', (key, fault) => {
    if (fault === undefined) expect(diskKeyFault(key, '/root')).toBeUndefined();
    else expect(diskKeyFault(key, '/root')).toMatch(fault);
  });

  test('a key whose path is too long is refused', () => {
    expect(diskKeyFault('/'.repeat(1024), '/root')).toMatch(/its path has \d+ bytes/);
  });
});
