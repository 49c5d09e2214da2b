import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Layer } from '@stowage/core';
import { type LoadedConfig, loadConfig } from '@stowage/core/config';
import { CommandError } from './command-error.ts';
import type { Terminal } from './terminal.ts';

/** How much a command says beside its results. */
export type Detail = 'quiet' | 'normal' | 'verbose';

/** Where a command finds the storages that links name. */
export interface ConfigurationRequest {
  readonly config?: string;
  /** A file of variables. Default: `.env` of the working folder, where it is there. */
  readonly dotenv?: string;
  readonly detail: Detail;
}

export interface FoundConfiguration {
  readonly config: LoadedConfig;
  /** The file of variables that was read. */
  readonly envFile?: string;
}

/** The file of variables that is read where it is there, as docker compose does. */
const ENV_FILE = '.env';

/**
 * Reads the configuration and tells what is wrong with it, a line each; of warnings, where the command may speak. Throws `CommandError`
 * where a file that was named cannot be read, and where nothing of it all can be used.
 */
export function readConfiguration(request: ConfigurationRequest, { cwd, env }: Terminal, tell: (line: string) => void): FoundConfiguration {
  const envFile = request.dotenv ?? (isFile(resolve(cwd, ENV_FILE)) ? ENV_FILE : undefined);
  const config = loadConfig({
    ...(request.config === undefined ? {} : { configPath: request.config }),
    ...(envFile === undefined ? {} : { envFile }),
    env,
    cwd,
    readFile: (path) => readFileSync(path),
  });
  const { entries, errors, warnings, main } = config;
  // What is right of the rest is not what was asked for.
  const unread = errors.find(({ path }) => path === '');
  // Nothing of it can be used, so that what is wrong with it is the answer, not what is missing in it.
  const useless = entries.length === 0 && (main === undefined || main.folder !== undefined);
  const fatal = unread ?? (useless ? errors[0] : undefined);
  if (fatal !== undefined) throw new CommandError(`the configuration cannot be used: ${fatal.message}`);
  const told = request.detail === 'quiet' ? errors : [...errors, ...warnings];
  for (const { message, severity } of told) tell(`configuration ${severity}: ${message}`);
  return { config, ...(envFile === undefined ? {} : { envFile }) };
}

/**
 * Refuses a bucket that would be one of the main storage only because an entry with an error is left out: it may be that entry's, and
 * another store would be read or written. Throws `CommandError`.
 */
export function refuseUncertain({ config, envFile }: FoundConfiguration, provider: string, bucket: string): void {
  const { entries, errors, main } = config;
  if (main === undefined || main.provider !== provider || entries.some((one) => one.provider === provider && one.buckets.includes(bucket))) return;
  const error = errors.find(({ source }) => source !== 'environment' && source !== envFile);
  if (error !== undefined)
    throw new CommandError(
      `no entry that can be used has the ${provider} bucket ${JSON.stringify(bucket)}, and it is not looked for in the main storage while an entry has an error: ${error.message}`,
    );
}

/** Where the bucket's service is, as the configuration says: `https://s3.amazonaws.com`. Undefined for folders and public links. */
export function endpointOf({ entries, main }: LoadedConfig, provider: string, bucket: string): string | undefined {
  const entry = entries.find((one) => one.provider === provider && one.buckets.includes(bucket));
  const endpoint = (entry ?? (main?.provider === provider ? main : undefined))?.settings['endpoint'];
  return typeof endpoint === 'string' ? endpoint : undefined;
}

/** One layer for all buckets of an endpoint, whichever entries they are of, made when it is first met; buckets without an endpoint get none. */
export function perEndpoint(config: LoadedConfig, make: (endpoint: string) => Layer): Layer {
  const layers = new Map<string, Layer>();
  return (inner) => {
    const endpoint = endpointOf(config, inner.provider, inner.bucket);
    if (endpoint === undefined) return inner;
    let layer = layers.get(endpoint);
    if (layer === undefined) layers.set(endpoint, (layer = make(endpoint)));
    return layer(inner);
  };
}

/** A folder of that name is Python's, and no file of variables. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
