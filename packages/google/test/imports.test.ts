import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** Names of the packages outside the workspace that an import loads. */
const LISTER = `
import { registerHooks } from 'node:module';
const seen = new Set();
registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(found.url)?.[1]; if (name) seen.add(name); return found; } });
await import('@stowage/google');
console.log(JSON.stringify([...seen]));
`;

it('importing the package loads no other cloud, and its own SDK only when it is needed', async () => {
  const { stdout } = await run(process.execPath, ['--conditions=@stowage/source', '--input-type=module', '--eval', LISTER], { cwd: import.meta.dirname });
  const names = JSON.parse(stdout) as string[];
  expect(names).toContain('@node-rs/crc32');
  expect(names.filter((name) => /aws|smithy|azure/.test(name))).toEqual([]);
  expect(names.filter((name) => /google|gaxios/.test(name))).toEqual([]);
});
