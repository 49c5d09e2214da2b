import { concurrencyLayer, createStorages, type Layer, type Provider, retryLayer, type Storages, throttleLayer, timeoutLayer } from '@stowage/core';
import type { LoadedConfig } from '@stowage/core/config';
import { installedProvider } from '@stowage/terminal';
import { perEndpoint, readConfiguration, refuseUncertain } from '@stowage/terminal/configuration-files';
import type { CommandContext } from './command-context.ts';

export interface StoragesRequest {
  /** Most requests at once to each configured storage. Default: as many as the command makes. */
  readonly requests?: number;
  /** How long a request, a page or a piece of a body may take, in milliseconds. Default: as long as the providers wait by themselves. */
  readonly timeoutMs?: number;
  /** The providers that are loaded, where the command knows before which it needs. Default: all that the configuration names, and those that need no entry. */
  readonly providers?: readonly string[];
}

export interface ConfiguredStorages {
  readonly config: LoadedConfig;
  readonly storages: Storages;
  /** Throws `CommandError` for a bucket that may be one of an entry with an error. */
  readonly refuseUncertain: (provider: string, bucket: string) => void;
}

/** Reads the configuration, tells what is wrong with it, and loads the providers that are needed. Throws `CommandError` where nothing of it can be used. */
export async function openStorages(context: CommandContext, { requests, timeoutMs, providers: wanted }: StoragesRequest): Promise<ConfiguredStorages> {
  const found = readConfiguration(context.request, context.terminal, (line) => context.tell(line));
  const { config } = found;
  const { importPackage } = context.terminal;
  const main = config.main === undefined ? [] : [config.main.provider];
  // Links may name any entry, and public ones need none.
  const names = wanted ?? ['fs', 'http', ...config.entries.map(({ provider }) => provider)];
  const providers: Provider[] = [];
  for (const name of new Set([...names, ...main])) {
    const provider = await installedProvider(name, importPackage);
    if (provider !== undefined) providers.push(provider);
  }
  // Innermost: each attempt has its time, and waiting for its turn takes none of it.
  const layers = [
    ...(timeoutMs === undefined ? [] : [timeoutLayer(timeoutMs)]),
    perEndpoint(config, () => throttleLayer()),
    ...(requests === undefined ? [] : [limitPerStorage(requests, config)]),
    retryLayer(),
  ];
  const storages = createStorages({ providers, config, layers, context: { env: config.env, onNotice: (text) => context.tell(text) } });
  return { config, storages, refuseUncertain: (provider, bucket) => refuseUncertain(found, provider, bucket) };
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
