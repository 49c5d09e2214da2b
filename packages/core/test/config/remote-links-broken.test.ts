import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cars, lines, messages, parse, sample } from './remote-links-text.ts';

describe('a file that is broken', () => {
  it.each([
    ['an unclosed quote', lines('a:', '  provider: "minio', 'b:', '  x: 1'), undefined, 'something is not closed'],
    ['an unclosed bracket', lines('a:', '  buckets: [x, y', 'b: 1'), 3, 'indentation'],
    ['a tab', lines('a:', '\tprovider: minio'), 2, 'a tab in the indentation: use spaces'],
    ['no colon', lines('a:', '  provider minio', '  buckets: [x]'), 2, undefined],
    ['a colon in a text', lines('a:', '  path: b: c'), 2, 'a text with ": " in it must be in quotes'],
    ['a field too far left', lines('a:', '    provider: fs', '  path: /x'), 3, 'fields of one entry begin in one column'],
    ['an unknown escape', lines('a:', '  path: "C:\\data"'), 2, 'unknown escape'],
    ['a text that begins with @', lines('a:', '  secret_key: @canary'), 2, 'put it in quotes'],
    ['two documents', lines('a: {}', '---', 'b: {}'), 2, 'a second document'],
    ['text alone', 'canary', 1, 'expected a mapping of entries'],
    ['a list', '- a: 1', 1, 'got a list'],
  ])('by %s: one message with line and column', (_what, text, line, message) => {
    const { entries, errors, warnings } = parse(text);
    expect(entries).toEqual([]);
    expect(warnings).toEqual([]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ source: 'remote_links.yml', column: expect.any(Number), ...(line === undefined ? {} : { line }) });
    expect(errors[0]?.message).toMatch(/^remote_links\.yml:\d+:\d+: [^\n]+$/);
    expect(errors[0]?.message).toContain(message ?? '');
    expect(errors[0]?.message).not.toContain('canary');
  });

  it.each([
    ['begins with "*", which YAML takes for an alias', '*canary'],
    ['begins with "!", which YAML takes for a tag', '!canary x'],
  ])('in one value, which %s: the other entries load', (message, written) => {
    const { entries, errors } = parse(lines(cars.replace('made-up', written), 'b: { provider: fs, path: /b }'));
    expect(entries.map(({ name }) => name)).toEqual(['b']);
    expect(messages(errors)).toEqual([`remote_links.yml:5:15: cars.secret_key: ${message}; put it in quotes if it is meant as text`]);
  });

  it.each(['? { canary: x }\n: { provider: fs, path: /x }', 'a: { ? { secret_key: canary } : x }', 'a: { ? [canary] }', 'a: { ? &x canary : y, *x : z }'])(
    'in a name: %j',
    (text) => {
      const { entries, errors } = parse(lines(text, cars));
      expect(entries.map(({ name }) => name)).toEqual(['cars']);
      expect(errors).toMatchObject([{ line: 1, expected: 'a name' }]);
      expect(JSON.stringify(errors)).not.toContain('canary');
    },
  );

  it('by aliases that multiply: one message', () => {
    const bomb = lines(
      'a: &a [x, x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdef'[i]}`).join(', ')}]`),
    );
    const { entries, errors } = parse(bomb);
    expect(entries).toEqual([]);
    expect(errors.length).toBeGreaterThan(0);
    for (const { message } of errors) expect(message.length).toBeLessThan(300);
  });

  it.each([
    ['a:\n  <<: 3\n'],
    ['a:\n  <<: [1]\n'],
    ['a: &a {<<: *a}'],
    ['a: { provider: fs, path: /x, y: &y [*y] }'],
    ['a: &a { b: *a }'],
    ['['.repeat(20_000)],
    ['- '.repeat(20_000)],
  ])('that runs in circles or too deep: %#', (text) => {
    const { errors, warnings } = parse(text);
    expect([...errors, ...warnings].length).toBeGreaterThan(0);
  });

  it.each([[''], ['\n\n'], ['# nothing yet\n'], ['---\n'], ['{}'], ['~']])('%j has no entries, which is told', (text) => {
    expect(parse(text)).toMatchObject({ entries: [], errors: [], warnings: [{ message: 'remote_links.yml: has no entries' }] });
  });

  it('in any way at all never throws', () => {
    const pieces = fc.constantFrom(
      ...sample.split(/(?<=[\n :[\],])/),
      '&x ',
      '*x',
      '<<: ',
      '? ',
      '!t ',
      '|\n',
      '>-\n',
      '"',
      "'",
      '{',
      '}',
      '%',
      '@',
      '\t',
      '${X}',
      '{ file: x }',
      '\0',
      '\ud800',
      '\u2028',
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { errors, warnings } = parse(text);
        for (const { message } of [...errors, ...warnings]) expect(message).not.toMatch(/[\n\r\u0000-\u0008]/);
      }),
      { numRuns: 3_000 },
    );
  });
});
