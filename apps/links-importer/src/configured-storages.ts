import { concurrencyLayer, createStorages, type Layer, type Provider, retryLayer, type Storages } from '@stowage/core';
import type { LoadedConfig } from '@stowage/core/config';
import { installedProvider } from '@stowage/terminal';
import { readConfiguration } from '@stowage/terminal/configuration-files';
import type { CommandContext } from './command-context.ts';

export interface StoragesRequest {
  /** Most requests at once to each configured storage. Default: as many as the command makes. */
  readonly requests?: number;
}

export interface ConfiguredStorages {
  readonly config: LoadedConfig;
  readonly storages: Storages;
}

/** Reads the configuration, tells what is wrong with it, and loads the providers that it names. Throws `CommandError` where nothing of it can be used. */
export async function openStorages(context: CommandContext, { requests }: StoragesRequest): Promise<ConfiguredStorages> {
  const { config } = readConfiguration(context.request, context.terminal, (line) => context.tell(line));
  const { importPackage } = context.terminal;
  // Public links need no entry; every other provider is one that the configuration names.
  const names = new Set(['fs', 'http', ...config.entries.map(({ provider }) => provider), ...(config.main === undefined ? [] : [config.main.provider])]);
  const providers: Provider[] = [];
  for (const name of names) {
    const provider = await installedProvider(name, importPackage);
    if (provider !== undefined) providers.push(provider);
  }
  const layers = [...(requests === undefined ? [] : [limitPerStorage(requests, config)]), retryLayer()];
  return { config, storages: createStorages({ providers, config, layers, context: { env: config.env, onNotice: (text) => context.tell(text) } }) };
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
