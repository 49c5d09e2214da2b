import { parseEnv } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEnvFile } from '../../src/config/index.ts';

const values = (text: string): Readonly<Record<string, string>> => parseEnvFile(text, '.env').values;

describe('parseEnvFile', () => {
  it.each([
    ['a plain value', 'A=b', { A: 'b' }],
    ['white space around name and value', '  A \t=  b c \t', { A: 'b c' }],
    ['an empty value', 'A=\nB=', { A: '', B: '' }],
    ['export', 'export A=b\nexport  B=c', { A: 'b', B: 'c' }],
    ['a name that begins with export', 'exports=b', { exports: 'b' }],
    ['comments and empty lines', '# A=1\n\n  # B=2\nC=3 # three\nD=4\t# four', { C: '3', D: '4' }],
    ['a # within a secret', 'A=b#c\nB=#c', { A: 'b#c', B: '#c' }],
    ['an equals sign in a secret', 'A=b==', { A: 'b==' }],
    ['a $ in a secret', 'A=$B${C}\nB="$A"', { A: '$B${C}', B: '$A' }],
    ['quotes within a value', `A=it's "so"`, { A: `it's "so"` }],
    ['single quotes, literally', String.raw`A=' b\n#c "d" '`, { A: String.raw` b\n#c "d" ` }],
    ['backticks, literally', 'A=`b "c" \'d\'`', { A: `b "c" 'd'` }],
    ['double quotes with escapes', String.raw`A="b\nc\r\"d\" e\\f \t\$"`, { A: 'b\nc\r"d" e\\f \\t\\$' }],
    ['comments behind quotes', `A='b' # c\nB="d"# e`, { A: 'b', B: 'd' }],
    ['quotes over several lines', 'A="b\nc"\nD=\'e\n\nf\'\nG=h', { A: 'b\nc', D: 'e\n\nf', G: 'h' }],
    ['CRLF', 'A=b\r\nC="d\r\ne"\r\nF=g\r\n', { A: 'b', C: 'd\ne', F: 'g' }],
    ['CR alone', 'A=b\rC=d', { A: 'b', C: 'd' }],
    ['a byte order mark', '\ufeffA=b', { A: 'b' }],
    ['names with dots and dashes', 'a.b-c_1=d', { 'a.b-c_1': 'd' }],
    [
      'a name that every object inherits',
      '__proto__=x\nconstructor=y',
      Object.fromEntries([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
    ],
    ['nothing', '', {}],
  ])('reads %s', (_what, text, expected) => {
    const read = parseEnvFile(text, '.env');
    expect(read.values).toEqual(expected);
    expect(read.errors).toEqual([]);
    expect(read.warnings).toEqual([]);
  });

  it('knows the line of every value', () => {
    const { lines } = parseEnvFile('# one\nA=1\n\nB="x\ny\nz"\r\nC=3', '.env');
    expect([...lines]).toEqual([
      ['A', 2],
      ['B', 4],
      ['C', 7],
    ]);
  });

  it('takes the last of two values of one name, with a warning that names both lines', () => {
    const read = parseEnvFile('A=canary1\nB=2\nA=canary3', '.env');
    expect(read.values).toEqual({ A: 'canary3', B: '2' });
    expect(read.lines.get('A')).toBe(3);
    expect(read.warnings.map(({ message }) => message)).toEqual(['.env:3: A: is set a second time (first in line 1); this value is used']);
  });

  it.each([
    ['no assignment', 'canary\nB=2', 'warnings', '.env:1: expected NAME=value or a comment; got a line that is neither; it is ignored'],
    ['a name that is none', '1A=canary\nB=2', 'warnings', '.env:1: expected NAME=value or a comment; got a line that is neither; it is ignored'],
    ['no name', '=canary\nB=2', 'warnings', '.env:1: expected NAME=value or a comment; got a line that is neither; it is ignored'],
    ['an unclosed quote', 'X=1\nA="canary\nB=2', 'errors', '.env:2: A: the quote " is not closed'],
    ['an unclosed quote with an escaped one', 'A="canary\\"\nB=2', 'errors', '.env:1: A: the quote " is not closed'],
    ['text behind a quote', "A='a'canary\nB=2", 'errors', ".env:1: A: expected nothing behind the closing ' but a comment; got more text"],
  ] as const)('tells %s by its line, and reads the others', (_what, text, severity, message) => {
    const read = parseEnvFile(text, '.env');
    expect(read[severity].map((problem) => problem.message)).toEqual([message]);
    expect(read.values).toMatchObject({ B: '2' });
    expect(read.values).not.toHaveProperty('A');
  });

  it('agrees with the parser of Node on plain lines', () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
    // Node takes the next line for the value of a name with nothing but a space behind it.
    const plain = fc.stringMatching(/^[\w ./:+=?&%$*@!^-]{0,20}$/).map((text) => text.trim());
    const line = fc.oneof(
      fc.tuple(name, plain).map(([key, value]) => `${key}=${value}`),
      fc.tuple(name, plain).map(([key, value]) => `export ${key}='${value}'`),
      fc.tuple(name, plain).map(([key, value]) => `${key} = "${value}"`),
      plain.map((text) => `# ${text}`),
      fc.constant(''),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (all) => {
        expect({ ...values(all.join('\n')) }).toEqual({ ...parseEnv(all.join('\n')) });
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives back whatever was written in quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // A file has no bare CR: line ends are one character here.
        const value = text.replaceAll('\r', '');
        expect(values(`A="${value.replace(/[\\"]/g, String.raw`\$&`)}"`)).toEqual({ A: value });
      }),
    );
  });

  it('never throws', () => {
    const text = fc
      .array(
        fc.oneof(fc.constantFrom('A', '=', '"', "'", '`', '\\', '\n', '\r', '#', ' ', 'export ', '\ufeff', '\0'), fc.string({ unit: 'binary', maxLength: 3 })),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (content) => {
        const { lines, values: read } = parseEnvFile(content, '.env');
        expect([...lines.keys()].sort()).toEqual(Object.keys(read).sort());
      }),
      { numRuns: 3_000 },
    );
  });
});
