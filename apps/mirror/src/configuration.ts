import { createStorages, type Layer, retryLayer, type Storages } from '@stowage/core';
import type { MainStorage, StorageEntry } from '@stowage/core/config';
import { loadProvider, type Terminal, visible } from '@stowage/terminal';
import {
  type ConfigurationRequest,
  endpointOf,
  type FoundConfiguration,
  perEndpoint,
  readConfiguration,
  refuseUncertain,
} from '@stowage/terminal/configuration-files';
import { EndpointTraffic } from './endpoint-traffic.ts';
import { firstContact } from './first-contact.ts';

/** What a flag of the command line says of folders, before what their entries say. */
export interface FolderFlags {
  readonly symlinks?: 'files' | 'skip';
  readonly fsync?: boolean;
}

/** The configured storages of one command: read once, each provider loaded when a link first names it. */
export class Configuration {
  /** Of all buckets that are opened here. */
  readonly traffic: EndpointTraffic = new EndpointTraffic();
  readonly #found: FoundConfiguration;
  readonly #flags: FolderFlags;
  readonly #terminal: Terminal;
  readonly #storages = new Map<string, Promise<Storages>>();

  /** Reads it and tells what is wrong with it. Throws `CommandError` where nothing of it can be used. */
  constructor(request: ConfigurationRequest, flags: FolderFlags, terminal: Terminal) {
    this.#flags = flags;
    this.#terminal = terminal;
    this.#found = readConfiguration(request, terminal, (line) => this.#tell(line));
  }

  /** Where the application keeps what is its own; undefined where that has errors, which have been told. */
  get main(): MainStorage | undefined {
    return this.#found.config.main;
  }

  /** The application's folder of data. */
  get dataPath(): string {
    return this.#found.config.dataPath;
  }

  /** Storages that know one provider. Rejects with `CommandError` where its package is not installed. */
  storagesOf(provider: string): Promise<Storages> {
    let storages = this.#storages.get(provider);
    if (storages === undefined) this.#storages.set(provider, (storages = this.#createStorages(provider)));
    return storages;
  }

  /** Throws `CommandError` for a bucket that may be one of an entry with an error. */
  refuseUncertain(provider: string, bucket: string): void {
    refuseUncertain(this.#found, provider, bucket);
  }

  /** Where the bucket's service is, as the configuration says: `https://s3.amazonaws.com`. Undefined for folders. */
  endpointOf(provider: string, bucket: string): string | undefined {
    return endpointOf(this.#found.config, provider, bucket);
  }

  async #createStorages(name: string): Promise<Storages> {
    const { importPackage } = this.#terminal;
    const config = { ...this.#found.config, entries: this.#found.config.entries.map((entry) => withFlags(entry, this.#flags)) };
    // A disk that fails once fails again.
    const endpoints = perEndpoint(this.#found.config, (endpoint) => this.traffic.layerOf(endpoint));
    const layers: Layer[] = name === 'fs' ? [] : [endpoints, firstContact(), retryLayer()];
    const context = { env: this.#found.config.env, onNotice: (text: string): void => this.#tell(text) };
    return createStorages({ providers: [await loadProvider(name, { command: 'stowage-mirror', importPackage })], config, layers, context });
  }

  #tell(line: string): void {
    this.#terminal.stderr.write(`stowage-mirror: ${visible(line)}\n`);
  }
}

/** Flags of the command line go before what the entry of a folder says. */
function withFlags(entry: StorageEntry, { symlinks, fsync = true }: FolderFlags): StorageEntry {
  if (entry.provider !== 'fs') return entry;
  return { ...entry, settings: { ...entry.settings, ...(symlinks === undefined ? {} : { symlinks }), ...(fsync ? {} : { durability: 'none' }) } };
}
