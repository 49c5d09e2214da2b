import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { concurrencyLayer, createStorages, type Layer, type Provider, retryLayer, type Storages } from '@stowage/core';
import { type LoadedConfig, loadConfig } from '@stowage/core/config';
import { CommandError, installedProvider } from '@stowage/terminal';
import type { CommandContext } from './command-context.ts';

export interface StoragesRequest {
  /** Most requests at once to each configured storage. Default: as many as the command makes. */
  readonly requests?: number;
}

export interface ConfiguredStorages {
  readonly config: LoadedConfig;
  readonly storages: Storages;
}

/** The file of variables that is read where it is there, as docker compose does. */
const ENV_FILE = '.env';

/** Reads the configuration, tells what is wrong with it, and loads the providers that it names. Throws `CommandError` where nothing of it can be used. */
export async function openStorages(context: CommandContext, { requests }: StoragesRequest): Promise<ConfiguredStorages> {
  const config = readConfig(context);
  const { importPackage } = context.terminal;
  // Public links need no entry; every other provider is one that the configuration names.
  const names = new Set(['fs', 'http', ...config.entries.map(({ provider }) => provider), ...(config.main === undefined ? [] : [config.main.provider])]);
  const providers: Provider[] = [];
  for (const name of names) {
    const provider = await installedProvider(name, importPackage);
    if (provider !== undefined) providers.push(provider);
  }
  const layers = [...(requests === undefined ? [] : [limitPerStorage(requests, config)]), retryLayer()];
  const env = context.terminal.env;
  return { config, storages: createStorages({ providers, config, layers, context: { env, onNotice: (text) => context.tell(text) } }) };
}

function readConfig(context: CommandContext): LoadedConfig {
  const { config: configPath, dotenv, detail } = context.request;
  const { cwd, env } = context.terminal;
  const envFile = dotenv ?? (statSync(resolve(cwd, ENV_FILE), { throwIfNoEntry: false })?.isFile() === true ? ENV_FILE : undefined);
  const config = loadConfig({
    ...(configPath === undefined ? {} : { configPath }),
    ...(envFile === undefined ? {} : { envFile }),
    env,
    cwd,
    readFile: (path) => readFileSync(path),
  });
  const [first] = config.errors;
  // Nothing of it can be used, so that what is wrong with it is the answer, not what is missing in it.
  if (first !== undefined && config.entries.length === 0) throw new CommandError(`the configuration cannot be used: ${first.message}`);
  for (const { message, severity } of detail === 'quiet' ? config.errors : [...config.errors, ...config.warnings])
    context.tell(`configuration ${severity}: ${message}`);
  return config;
}

/** One limit for all buckets of an entry: they are one service, with one account. */
function limitPerStorage(requests: number, { entries }: LoadedConfig): Layer {
  const limits = new Map<string, Layer>();
  return (inner) => {
    const entry = entries.find(({ provider, buckets }) => provider === inner.provider && buckets.includes(inner.bucket));
    const name = entry?.name ?? `\0${inner.provider}`;
    let limit = limits.get(name);
    if (limit === undefined) limits.set(name, (limit = concurrencyLayer(requests)));
    return limit(inner);
  };
}
