import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { root } from '../scripts/workspace.ts';

const TEXTS = ['README.md', 'docs/guides/*.md', 'packages/*/README.md', 'apps/*/README.md', 'examples/*/README.md'];

/** What stands around the programs without being said. */
const AROUND = `
declare const bytes: Uint8Array;
declare const url: string;
declare const signal: AbortSignal;
declare const save: (chunk: Uint8Array) => Promise<void>;
declare const bucket: import('@stowage/core').Bucket;
declare const guardedClient: typeof import('@stowage/http/guarded-fetch').guardedClient;
declare const harness: import('@stowage/conformance').Harness;
declare const removeBucket: (opened: import('@stowage/conformance').Opened) => Promise<void>;
declare module '*/my-driver.ts' {
  export const myDriver: (options: { readonly bucket: string; readonly create?: boolean }) => import('@stowage/core').BucketDriver;
}`;

/** Each program as a file beside its text: its imports are found from there, and packages of the workspace by their names. */
function programs(): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of globSync(TEXTS, { cwd: root })) {
    const shown = [...readFileSync(join(root, path), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)];
    for (const [i, [, program = '']] of shown.entries()) files.set(join(root, `${path}-${i + 1}.ts`), `${program}\nexport {};\n`);
  }
  return files;
}

test('programs in the READMEs and guides are right TypeScript for the packages as they are', { timeout: 120_000 }, () => {
  const shown = programs();
  const files = new Map([...shown, [join(root, 'around.d.ts'), AROUND]]);
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), (path) => readFileSync(path, 'utf8')) as { config: { compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      declaration: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      paths: {
        '@stowage/core/config': [join(root, 'packages/core/src/config/index.ts')],
        '@stowage/http/guarded-fetch': [join(root, 'packages/http/src/guarded-fetch/index.ts')],
        '@stowage/*': [join(root, 'packages/*/src/index.ts')],
      },
    },
    root,
  );
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    readFile: (path) => files.get(path) ?? disk.readFile(path),
    getSourceFile: (path, target, ...rest) =>
      files.has(path) ? ts.createSourceFile(path, files.get(path) ?? '', target) : disk.getSourceFile(path, target, ...rest),
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const faults = [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${path.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
  expect(faults).toEqual([]);
  expect(shown.size).toBeGreaterThan(15);
});
