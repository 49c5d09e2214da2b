import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ConfigurationRequest, readConfiguration } from '../src/configuration-files.ts';
import { processTerminal } from '../src/process-terminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-configuration-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const RIGHT = 'pics:\n  provider: fs\n  path: /data/pics\n';
const WRONG = 'cars:\n  provider: minoi\n  buckets: [cars]\n';

function read(request: Partial<ConfigurationRequest> = {}): { readonly names: string[]; readonly envFile: string | undefined; readonly told: string[] } {
  const told: string[] = [];
  const terminal = { ...processTerminal(process, (name) => Promise.reject(new Error(name))), cwd: folder, env: {} };
  const { config, envFile } = readConfiguration({ detail: 'normal', ...request }, terminal, (line) => told.push(line));
  return { names: config.entries.map(({ name }) => name), envFile, told };
}

const plant = (name: string, text: string): void => writeFileSync(join(folder, name), text);

it('an entry with an error is told and left out while others can be used', () => {
  plant('remote_links.yml', RIGHT + WRONG);
  const { names, told } = read({ detail: 'quiet' });
  expect(names).toEqual(['pics']);
  expect(told).toEqual([expect.stringMatching(/^configuration error: .*minoi/)]);
});

it('nothing but errors is refused with the first of them', () => {
  plant('remote_links.yml', WRONG);
  expect(() => read()).toThrow(/^the configuration cannot be used: .*minoi/);
});

it('a file that was named and is not there is refused, whatever else could be used', () => {
  plant('remote_links.yml', RIGHT);
  expect(() => read({ dotenv: 'none.env' })).toThrow(/^the configuration cannot be used: .*none\.env/);
  expect(() => read({ config: 'none.yml' })).toThrow(/^the configuration cannot be used: .*none\.yml/);
});

it('.env is read where it is a file, and a folder of that name is not', () => {
  mkdirSync(join(folder, '.env'));
  expect(read().envFile).toBeUndefined();
  rmSync(join(folder, '.env'), { recursive: true });
  plant('.env', 'DATA_PATH=/data\n');
  expect(read().envFile).toBe('.env');
  expect(read({ dotenv: '.env' }).envFile).toBe('.env');
});
