import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root, run } from '../scripts/workspace.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-lint-'));
  for (const file of ['.oxlintrc.json', 'tsconfig.base.json']) copyFileSync(join(root, file), join(folder, file));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'tsconfig.json'), '{ "extends": "./tsconfig.base.json", "include": ["packages", "apps", "scripts"] }');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The rules that one file breaks, each once. */
async function broken(path: string, source: string): Promise<string[]> {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), source);
  const { output } = await run(join(root, 'node_modules/.bin/oxlint'), ['--format=json', path], folder);
  const { diagnostics } = JSON.parse(output) as { diagnostics: { code: string }[] };
  return [...new Set(diagnostics.map(({ code }) => code))].toSorted();
}

describe('the linter', () => {
  it.each<[rule: string, source: string]>([
    ['eslint(no-console)', "export const f = (): void => console.log('x');\n"],
    ['eslint(no-restricted-properties)', "export const f = (): string | undefined => process.env['HOME'];\n"],
    ['eslint(no-restricted-properties)', 'export const f = (): void => {\n  process.exitCode = 1;\n};\n'],
    ['eslint(no-restricted-imports)', "import { env } from 'node:process';\n\nexport const home = env['HOME'];\n"],
    ['eslint(no-restricted-imports)', "import { request } from 'node:https';\n\nexport const r = request;\n"],
    ['eslint(no-restricted-globals)', "export const f = (): Promise<Response> => fetch('http://127.0.0.1');\n"],
    ['typescript(no-floating-promises)', 'export function f(): void {\n  Promise.resolve(1);\n}\n'],
    ['typescript(no-misused-promises)', 'export const f = (xs: number[]): number[] => xs.filter(async (x) => x > 1);\n'],
    ['typescript(await-thenable)', 'export async function f(x: number): Promise<void> {\n  await x;\n}\n'],
    [
      'typescript(switch-exhaustiveness-check)',
      "export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n",
    ],
    ['typescript(no-explicit-any)', 'export const f = (x: any): boolean => x === 1;\n'],
    ['typescript(no-unsafe-member-access)', "export const f = (text: string): unknown => JSON.parse(text)['x'];\n"],
    ['typescript(ban-ts-comment)', '// @ts-ignore\nexport const x: number = 1;\n'],
  ])('catches %s in a package', async (rule, source) => {
    expect(await broken('packages/core/src/seed.ts', source)).toEqual([rule]);
  });

  it('lets the edge of an app read the environment and set the exit code, and nothing behind it', async () => {
    const source = "process.exitCode = process.env['HOME'] === undefined ? 1 : 0;\nexport const done = true;\n";
    expect(await broken('apps/mirror/src/main.ts', source)).toEqual([]);
    expect(await broken('apps/mirror/src/seed.ts', source)).toEqual(['eslint(no-restricted-properties)']);
  });
});
