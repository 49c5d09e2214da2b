import { createStorages, type Layer, retryLayer, type Storages } from '@stowage/core';
import type { LoadedConfig, MainStorage, StorageEntry } from '@stowage/core/config';
import { CommandError, loadProvider, type Terminal, visible } from '@stowage/terminal';
import { type ConfigurationRequest, readConfiguration } from '@stowage/terminal/configuration-files';
import { firstContact } from './first-contact.ts';

/** What a flag of the command line says of folders, before what their entries say. */
export interface FolderFlags {
  readonly symlinks?: 'files' | 'skip';
  readonly fsync?: boolean;
}

/** The configured storages of one command: read once, each provider loaded when a link first names it. */
export class Configuration {
  readonly #envFile: string | undefined;
  readonly #config: LoadedConfig;
  readonly #flags: FolderFlags;
  readonly #terminal: Terminal;
  readonly #storages = new Map<string, Promise<Storages>>();

  /** Reads it and tells what is wrong with it. Throws `CommandError` where nothing of it can be used. */
  constructor(request: ConfigurationRequest, flags: FolderFlags, terminal: Terminal) {
    this.#flags = flags;
    this.#terminal = terminal;
    const { config, envFile } = readConfiguration(request, terminal, (line) => this.#tell(line));
    this.#config = config;
    this.#envFile = envFile;
  }

  /** Where the application keeps what is its own; undefined where that has errors, which have been told. */
  get main(): MainStorage | undefined {
    return this.#config.main;
  }

  /** The application's folder of data. */
  get dataPath(): string {
    return this.#config.dataPath;
  }

  /** Storages that know one provider. Rejects with `CommandError` where its package is not installed. */
  storagesOf(provider: string): Promise<Storages> {
    let storages = this.#storages.get(provider);
    if (storages === undefined) this.#storages.set(provider, (storages = this.#createStorages(provider)));
    return storages;
  }

  /**
   * Refuses a bucket that would be one of the main storage only because an entry with an error is left out: it may be that entry's,
   * and another store would be read or written. Throws `CommandError`.
   */
  refuseUncertain(provider: string, bucket: string): void {
    const { entries, errors, main } = this.#config;
    if (main === undefined || main.provider !== provider || entries.some((one) => one.provider === provider && one.buckets.includes(bucket))) return;
    const error = errors.find(({ source }) => source !== 'environment' && source !== this.#envFile);
    if (error !== undefined)
      throw new CommandError(
        `no entry that can be used has the ${provider} bucket ${JSON.stringify(bucket)}, and it is not looked for in the main storage while an entry has an error: ${error.message}`,
      );
  }

  /** Where the bucket's service is, as the configuration says: `https://s3.amazonaws.com`. Undefined for folders. */
  endpointOf(provider: string, bucket: string): string | undefined {
    const { entries, main } = this.#config;
    const entry = entries.find((one) => one.provider === provider && one.buckets.includes(bucket));
    const endpoint = (entry ?? (main?.provider === provider ? main : undefined))?.settings['endpoint'];
    return typeof endpoint === 'string' ? endpoint : undefined;
  }

  async #createStorages(name: string): Promise<Storages> {
    const { importPackage } = this.#terminal;
    const config = { ...this.#config, entries: this.#config.entries.map((entry) => withFlags(entry, this.#flags)) };
    // A disk that fails once fails again.
    const layers: Layer[] = name === 'fs' ? [] : [firstContact(), retryLayer()];
    const context = { env: this.#config.env, onNotice: (text: string): void => this.#tell(text) };
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
