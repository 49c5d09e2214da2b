import { createStorages, isStorageError, parseLinkPrefix, prefixLayer, type Provider, retryLayer } from '@stowage/core';
import { type LoadedConfig, loadConfig, PROVIDER_PACKAGES, type StorageEntry } from '@stowage/core/config';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './command-error.ts';
import { EXIT } from './exit-code.ts';
import { identityOfPath } from './local-path.ts';
import type { MirrorRequest } from './mirror-request.ts';
import type { Place } from './open-places.ts';
import type { Terminal } from './terminal.ts';

/** Finds the place of a link prefix such as `fs://local-datasets/2020/` in the configuration. Throws `CommandError`. */
export async function findConfiguredPlace(text: string, side: 'source' | 'destination', request: MirrorRequest, terminal: Terminal): Promise<Place> {
  try {
    return await find(text, request, terminal);
  } catch (error) {
    if (isStorageError(error)) throw new CommandError(`the ${side} ${JSON.stringify(text)}: ${error.message}`, EXIT.usage, error);
    throw error;
  }
}

async function find(text: string, request: MirrorRequest, terminal: Terminal): Promise<Place> {
  const { provider, bucket: name, prefix } = parseLinkPrefix(text);
  const config = readConfig(request, terminal);
  const installed = await loadProvider(provider);
  const storages = createStorages({
    providers: installed === undefined ? [] : [installed],
    config: { ...config, entries: config.entries.map((entry) => withFlags(entry, request)) },
    layers: provider === 'fs' ? [] : [retryLayer()],
  });
  const bucket = storages.bucket(text.slice(0, text.length - prefix.length));
  // A prefix names a folder, as a path does: `s3://cars/2020` is not to take `2020-old/` along.
  const folderPrefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const root = rootOf(bucket.native());
  const endpoint = config.entries.find((entry) => entry.provider === provider && entry.buckets.includes(name))?.settings['endpoint'];
  return {
    label: text,
    ...(root === undefined
      ? { identity: { store: `${provider} ${String(endpoint)}`, path: [name, ...folderPrefix.split('/').slice(0, -1)] } }
      : { identity: identityOfPath(join(root, folderPrefix)), folder: join(root, folderPrefix) }),
    open: () => bucket.with(prefixLayer(folderPrefix)),
  };
}

/** Flags of the command line go before what the entry of a folder says. */
function withFlags(entry: StorageEntry, { symlinks, fsync }: MirrorRequest): StorageEntry {
  if (entry.provider !== 'fs') return entry;
  return { ...entry, settings: { ...entry.settings, ...(symlinks === undefined ? {} : { symlinks }), ...(fsync ? {} : { durability: 'none' }) } };
}

function readConfig(request: MirrorRequest, { cwd, env, stderr }: Terminal): LoadedConfig {
  const config = loadConfig({ ...(request.config === undefined ? {} : { configPath: request.config }), env, cwd, readFile: (path) => readFileSync(path) });
  const [first] = config.errors;
  // Nothing of it can be used, so that what is wrong with it is the answer, not what is missing in it.
  if (first !== undefined && config.entries.length === 0) throw new CommandError(`the configuration cannot be used: ${first.message}`);
  const told = request.detail === 'quiet' ? config.errors : [...config.errors, ...config.warnings];
  for (const { message, severity } of told) stderr.write(`stowage-mirror: configuration ${severity}: ${message}\n`);
  return config;
}

/** The provider's package, where it is installed: only what a command uses is loaded. */
async function loadProvider(name: string): Promise<Provider | undefined> {
  if (name === 'fs') return (await import('@stowage/fs')).fs;
  const packageName = PROVIDER_PACKAGES.get(name);
  if (packageName === undefined) return undefined;
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = (await import(packageName)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Installed but broken is another matter than not installed.
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(packageName)) return undefined;
    throw error;
  }
  const provider = loaded[name];
  if (!isProvider(provider))
    throw new CommandError(
      `the package ${packageName} has no provider ${JSON.stringify(name)}: its version does not fit; run "npm install ${packageName}@latest"`,
    );
  return provider;
}

function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && 'schemes' in value && 'parseConfig' in value && 'open' in value;
}

/** The folder of a bucket on a local disk, links resolved; undefined for every other store. */
function rootOf(native: unknown): string | undefined {
  if (typeof native !== 'object' || native === null || !('root' in native) || typeof native.root !== 'string') return undefined;
  return existsSync(native.root) ? realpathSync(native.root) : native.root;
}
