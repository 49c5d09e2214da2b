import { describe, expect, it } from 'vitest';

import { quoted } from '../../src/wording/quoted.ts';

describe('quoted', () => {
  it('keeps a message on one line and a terminal in peace', () => {
    expect(quoted('a"b\n\u001b[2J\u009b2J\u007f\u2028\u202e\ud800')).toBe('"a\\"b\\n\\u001b[2J\\u009b2J\\u007f\\u2028\\u202e\\ud800"');
  });

  it('escapes what cannot be seen so that JSON reads it back', () => {
    expect(quoted('a\u200bb\u{e0041}')).toBe('"a\\u200bb\\udb40\\udc41"');
    expect(JSON.parse(quoted('a\u200bb\u{e0041}'))).toBe('a\u200bb\u{e0041}');
  });

  it('cuts a long text, never to half of a surrogate pair', () => {
    expect(quoted('abcdef', 3)).toBe('"abc…"');
    expect(quoted('ab😀def', 3).isWellFormed()).toBe(true);
  });
});
