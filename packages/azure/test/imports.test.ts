import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Names every module that an import brings along. */
const HOOKS = `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process._rawDebug(url); return next(url, context); } });`;

it('importing the package loads no SDK at all: neither its own before it is asked for, nor that of another cloud', async () => {
  const hooks = `data:text/javascript,${encodeURIComponent(HOOKS)}`;
  const script = "const azure = await import('@stowage/azure'); if (azure.azure.name !== 'azure') throw new Error('no provider');";
  const { stderr } = await promisify(execFile)(process.execPath, ['--conditions=@stowage/source', '--import', hooks, '--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
  });
  const loaded = stderr.split('\n').filter((url) => url.startsWith('file:'));
  expect(loaded.some((url) => url.endsWith('/azure/src/azure-driver.ts'))).toBe(true);
  expect(loaded.filter((url) => /@aws-sdk|@smithy|@google-cloud|google-auth-library|gaxios|@azure[/+]/.test(url))).toEqual([]);
});
