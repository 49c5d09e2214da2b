import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryDriver, type Provider } from '@stowage/core';
import { expect, it } from 'vitest';
import { runCli } from '../src/cli.ts';
import { plant, treeOf, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';

const folder = useFolder();
const at = (name: string): string => join(folder.path, name);
const BOATS = 'x:\n  provider: azure\n  endpoint: https://a.blob.core.windows.net\n  access_key: a\n  secret_key: c2VjcmV0\n  buckets: [boats]\n';

/** What Node says of a package that it does not find. */
function notFound(name: string): Error {
  return Object.assign(new Error(`Cannot find package '${name}' imported from /usr/lib/node_modules/stowage-mirror/dist/main.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
}

async function runWith(importPackage: (name: string) => Promise<unknown>): Promise<{ code: number; stderr: string }> {
  plant(at('src'), { a: '1' });
  writeFileSync(at('remote_links.yml'), BOATS);
  const terminal = fakeTerminal(folder.path, importPackage);
  const code = await runCli(['sync', 'src', 'azure://boats/2020/', '--no-progress'], terminal);
  return { code, stderr: terminal.stderr.text };
}

it('a provider whose package is not installed is told, and what to run', async () => {
  const { code, stderr } = await runWith((name) => Promise.reject(notFound(name)));
  expect(stderr).toBe(
    'stowage-mirror: the provider "azure" is not installed: run "npm install @stowage/azure" where stowage-mirror is installed (with --global if it is so itself)\n',
  );
  expect(code).toBe(2);
});

it('a package that is installed and broken is not told as missing', async () => {
  const { code, stderr } = await runWith(() => Promise.reject(notFound('@azure/storage-blob')));
  expect(stderr).toContain("unexpected failure: Cannot find package '@azure/storage-blob'");
  expect(code).toBe(1);
});

it('a package of another version is told', async () => {
  const { code, stderr } = await runWith(() => Promise.resolve({ azure: 'something else' }));
  expect(stderr).toBe(
    'stowage-mirror: the package @stowage/azure has no provider "azure": its version does not fit; run "npm install @stowage/azure@latest"\n',
  );
  expect(code).toBe(2);
});

it('only the package of the links is asked for, once', async () => {
  const asked: string[] = [];
  const driver = memoryDriver({ bucket: 'boats' });
  const azure: Provider = { name: 'azure', schemes: ['azure'], parseConfig: (entry) => entry, open: () => driver };
  const { code, stderr } = await runWith((name) => {
    asked.push(name);
    return Promise.resolve({ azure });
  });
  expect([code, stderr]).toEqual([0, '']);
  expect(asked).toEqual(['@stowage/azure']);
  const pages = await Array.fromAsync(driver.list({}));
  expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(['2020/a']);
  expect(treeOf(at('src'))).toEqual({ a: '1' });
});
