/** docs/guides/what-is-tested.md names tests that are there; and no test of the engine begins a mirror that nobody adds up. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from '../scripts/workspace.ts';

interface Row {
  readonly line: number;
  readonly test: string;
  readonly file: string;
}

function rowsOf(page: string): Row[] {
  return page.split('\n').flatMap((text, i) => {
    const match = /^\| .+ \| (.+) \| `([^`|]+)` \|$/.exec(text);
    return match === null ? [] : [{ line: i + 1, test: match[1] ?? '', file: match[2] ?? '' }];
  });
}

/** Titles of the tests and groups in a file, and the first text of each row of an `each`. What is skipped or left to do is none. */
function titlesOf(source: string): Set<string> {
  const titles = new Set<string>();
  const file = ts.createSourceFile('test.ts', source, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(?:it|test|describe)\b/.test(node.expression.getText()) && !/\.(?:skip|todo)\b/.test(nameOf(node.expression))) {
      const [first] = node.arguments;
      if (first !== undefined && (ts.isStringLiteralLike(first) || ts.isTemplateExpression(first)) && !isRowsOf(node)) titles.add(textOf(first));
      if (first !== undefined && /\.(?:each|for)$/.test(nameOf(node.expression))) for (const text of firstTexts(first)) titles.add(text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return titles;
}

/** `it.each` of `it.each([…])('…', …)`. */
function nameOf(expression: ts.Expression): string {
  return ts.isCallExpression(expression) ? nameOf(expression.expression) : expression.getText();
}

function isRowsOf(call: ts.CallExpression): boolean {
  return /\.(?:each|for)$/.test(call.expression.getText());
}

function textOf(node: ts.StringLiteralLike | ts.TemplateExpression): string {
  return ts.isTemplateExpression(node) ? node.getText().slice(1, -1) : node.text;
}

/** What a constant of the file was made of. */
function declared(name: ts.Identifier): ts.Expression | undefined {
  let found: ts.Expression | undefined;
  const visit = (each: ts.Node): void => {
    if (ts.isVariableDeclaration(each) && each.name.getText() === name.text) found ??= each.initializer;
    ts.forEachChild(each, visit);
  };
  visit(name.getSourceFile());
  return found;
}

function firstTexts(rows: ts.Expression): string[] {
  if (ts.isAsExpression(rows)) return firstTexts(rows.expression);
  if (ts.isIdentifier(rows)) {
    const made = declared(rows);
    return made === undefined ? [] : firstTexts(made);
  }
  if (!ts.isArrayLiteralExpression(rows)) return [];
  return rows.elements.flatMap((row) => {
    const first = ts.isArrayLiteralExpression(row) ? row.elements[0] : row;
    return first !== undefined && ts.isStringLiteralLike(first) ? [first.text] : [];
  });
}

describe('docs/guides/what-is-tested.md', () => {
  const page = readFileSync(join(root, 'docs/guides/what-is-tested.md'), 'utf8');
  const rows = rowsOf(page);

  it('names tests that are there', () => {
    const known = new Map<string, Set<string>>();
    const missing = rows.filter(({ test, file }) => {
      const titles = known.get(file) ?? titlesOf(readFileSync(join(root, file), 'utf8'));
      known.set(file, titles);
      return !titles.has(test);
    });
    expect(missing).toEqual([]);
  });

  it('has a test in every row', () => {
    const tables = page.split('\n').filter((text) => text.startsWith('|') && !/^\|(?:---| case \|)/.test(text));
    expect(rows).toHaveLength(tables.length);
    expect(rows.length).toBeGreaterThan(80);
  });
});

it('a test that is not there, is skipped or is only spoken of is not taken for one', () => {
  const titles = titlesOf(
    "// it('in a comment', f);\nit('one', f);\nit.skip('skipped', f);\nit.todo('left');\ndescribe.each([['row', 1]])('group %s', () => { it(`two ${x}`, f); });\nconst other = 'a text';",
  );
  expect([...titles].toSorted()).toEqual(['group %s', 'one', 'row', 'two ${x}']);
});

it('every test of the engine begins mirrors by the helper that adds them up', () => {
  const folder = join(root, 'packages/transfer/test');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts') && name !== 'balanced-mirror.ts');
  expect(files.length).toBeGreaterThan(20);
  const direct = files.filter((name) =>
    /import \{[^}]*\bmirror\b[^}]*\} from|\bmirror\(/.test(readFileSync(join(folder, name), 'utf8').replaceAll(/'[^'\n]*'/g, "''")),
  );
  expect(direct).toEqual([]);
});
