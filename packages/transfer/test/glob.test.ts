import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilterRules, parseKeyList } from '../src/filters/filter-file.ts';
import { compileGlob } from '../src/filters/glob.ts';

const MATCHES: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] = [
  ['*.jpg', ['a.jpg', 'x/a.jpg', '.jpg', 'x/.jpg', 'a\nb.jpg'], ['a.jpgx', 'a.jpg/b', 'a.JPG']],
  ['/*.jpg', ['a.jpg'], ['x/a.jpg']],
  ['a*b', ['ab', 'a.b', 'x/a-b'], ['a/b', 'ba', 'xa/b']],
  ['a**b', ['ab', 'a/c/b'], ['a/c']],
  ['x/**', ['x/a', 'x/a/b', 'y/x/a'], ['x', 'xx/a']],
  ['/x/**', ['x/a'], ['y/x/a', 'x']],
  ['**/x', ['x', 'a/x', 'a/b/x'], ['ax', 'x/a']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
  ['node_modules/', ['node_modules/a', 'x/node_modules/a/b'], ['node_modules', 'my_node_modules/a', 'node_modules2/a']],
  ['/', ['a', 'a/b'], []],
  ['?', ['a', 'x/\u{1F600}', '\n'], ['', 'ab', 'a/']],
  ['[ab]x', ['ax', 'bx'], ['cx', 'abx']],
  ['[!ab]x', ['cx', '!x'], ['ax', '/x'.slice(0, 0)]],
  ['[^a-c]x', ['dx'], ['bx']],
  ['a[!b]c', ['axc'], ['a/c', 'abc']],
  ['[]]x', [']x'], ['x']],
  ['[a\\]b]x', [']x', 'ax'], ['\\x']],
  ['[+--]x', ['+x', ',x', '-x'], ['.x']],
  ['{a,b,c/d}.t', ['a.t', 'b.t', 'c/d.t'], ['c.t', '{a,b}.t', 'd.txt']],
  ['a,b', ['a,b'], ['a', 'b']],
  ['\\*\\?\\[\\{\\\\', ['*?[{\\'], ['x?[{\\']],
  ['a(b|c)+@!$^.d', ['a(b|c)+@!$^.d'], ['abd', 'a(b|c)+@!$^xd']],
  ['%2F', ['%2F'], ['/']],
  ['a//b', ['a//b'], ['a/b']],
  ['#x', ['#x'], []],
];

describe('patterns', () => {
  it.each(MATCHES)('%s', (pattern, matching, others) => {
    const glob = compileGlob(pattern);
    expect(matching.filter((key) => !glob.test(key))).toEqual([]);
    expect(others.filter((key) => glob.test(key))).toEqual([]);
  });

  it.each([
    ['', 'it is empty'],
    ['[a', 'a "[" is not closed'],
    ['{a', 'a "{" is not closed'],
    ['a}', 'a "}" closes nothing'],
    ['a\\', 'it ends in a backslash'],
    ['[z-a]', 'the range "z-a" runs backwards'],
  ])('%s is refused', (pattern, why) => {
    expect(() => compileGlob(pattern)).toThrow(`${JSON.stringify(pattern)} is no pattern: ${why}`);
  });

  it('every key is matched by itself, escaped, and by nothing else', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(key, key, (a, b) => {
        const glob = compileGlob(`/${Array.from(a, (point) => (point === '/' ? point : `\\${point}`)).join('')}`);
        expect(glob.test(b)).toBe(a === b || (a.endsWith('/') && b.startsWith(a)));
        expect(glob.test(a)).toBe(true);
      }),
    );
  });
});

describe('filter files', () => {
  it('hold a rule a line, and comments', () => {
    expect(parseFilterRules('\uFEFF# what we keep\n+ *.jpg\r\n\n; the rest\n- * \n', 'f')).toEqual([
      { include: true, pattern: '*.jpg' },
      { include: false, pattern: '* ' },
    ]);
    expect(parseFilterRules('- a\n!\n+ b', 'f')).toEqual([{ include: true, pattern: 'b' }]);
  });

  it('are refused with their line', () => {
    expect(() => parseFilterRules('+ a\n*.jpg', 'rules.txt')).toThrow('rules.txt: line 2: expected "+ pattern", "- pattern", "!" or a comment; got "*.jpg"');
    expect(() => parseFilterRules('- [a', 'rules.txt')).toThrow('rules.txt: line 1: "[a" is no pattern');
  });
});

it('lists of keys hold one a line, or one before each NUL', () => {
  expect(parseKeyList('# photos\na b\r\n/c/d\n\n')).toEqual(['a b', 'c/d']);
  expect(parseKeyList('a\nb\0#c\0\0')).toEqual(['a\nb', '#c']);
});
