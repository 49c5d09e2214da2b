import { dirname, resolve } from 'node:path';

import { quoted } from '../wording/quoted.ts';
import type { CacheSettings } from './cache-settings.ts';
import { type ConfigPlace, type ConfigProblem, configProblem } from './config-problem.ts';
import { parseEnvFile } from './env-file.ts';
import { readEnvironment } from './main-storage.ts';
import type { Environment } from './references.ts';
import { parseRemoteLinks, type RemoteLinks } from './remote-links.ts';
import { guardedSettings, type StorageConfig } from './storage-config.ts';
import { decodeText, type ReadFile } from './text-file.ts';

export interface LoadConfigOptions {
  /** What the user gave as `--config`. */
  readonly configPath?: string;
  /** The environment, such as `process.env`. */
  readonly env: Environment;
  /** A file of variables, which those of the environment win over. Default: none is read. One that does not exist is an error. */
  readonly envFile?: string;
  /** The folder that the program was started in, absolute. */
  readonly cwd: string;
  /** Such as `readFileSync` of `node:fs`. */
  readonly readFile: ReadFile;
  /** As in `RemoteLinksOptions`. */
  readonly otherProviders?: readonly string[];
}

export interface LoadedConfig extends StorageConfig {
  /** The file of linked storages that was read, absolute; undefined where there is none. */
  readonly file: string | undefined;
  /** The variables of the environment and of the file of variables, for ways to sign in that read them. Shows no value when printed or turned to JSON. */
  readonly env: Environment;
  readonly dataPath: string;
  readonly cache: CacheSettings;
  readonly contested: RemoteLinks['contested'];
  readonly warnings: readonly ConfigProblem[];
  readonly errors: readonly ConfigProblem[];
}

const FILE_NAME = 'remote_links.yml';
const NO_LINKS: RemoteLinks = { entries: [], contested: [], warnings: [], errors: [] };

/**
 * The whole configuration. Linked storages come from the first file of: `--config`, `STOWAGE_CONFIG`, `./remote_links.yml`,
 * `/remote_links.yml`; the first two must exist where they are given. The main storage comes from the environment, and answers
 * for the buckets that no linked storage has. Never throws for what the files say: see `errors`.
 */
export function loadConfig(o: LoadConfigOptions): LoadedConfig {
  const variables = readVariables(o);
  const { main, dataPath, cache, ...environment } = readEnvironment(variables.env, { folder: o.cwd, placeOf: variables.placeOf });
  const { file, links } = readLinks(o, variables.env);
  return {
    file,
    entries: links.entries,
    contested: links.contested,
    ...(main === undefined ? {} : { main }),
    env: guardedSettings(variables.env, new Set()),
    dataPath,
    cache,
    warnings: [...variables.warnings, ...environment.warnings, ...links.warnings],
    errors: [...variables.errors, ...environment.errors, ...links.errors],
  };
}

interface Variables {
  readonly env: Environment;
  readonly placeOf: (name: string) => ConfigPlace;
  readonly warnings: readonly ConfigProblem[];
  readonly errors: readonly ConfigProblem[];
}

function readVariables({ env, envFile, cwd, readFile }: LoadConfigOptions): Variables {
  const placeOf = (): ConfigPlace => ({ source: 'environment' });
  if (envFile === undefined) return { env, placeOf, warnings: [], errors: [] };
  const read = decodeText(readFile, resolve(cwd, envFile));
  if (!read.ok)
    return {
      env,
      placeOf,
      warnings: [],
      errors: [configProblem('error', { source: envFile }, '', { expected: 'a file of variables', got: `one that ${read.fault}` })],
    };
  const { values, lines, warnings, errors } = parseEnvFile(read.text, envFile);
  const merged = { ...values, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) };
  const fromFile = (name: string): ConfigPlace => {
    const line = env[name] === undefined ? lines.get(name) : undefined;
    return line === undefined ? placeOf() : { source: envFile, line };
  };
  return { env: merged, placeOf: fromFile, warnings, errors };
}

function readLinks(o: LoadConfigOptions, env: Environment): { readonly file: string | undefined; readonly links: RemoteLinks } {
  for (const { path, given } of candidates(o, env)) {
    const file = resolve(o.cwd, path);
    const read = decodeText(o.readFile, file);
    if (read.ok) {
      const { readFile, otherProviders = [] } = o;
      return { file, links: parseRemoteLinks(read.text, { source: path, env, folder: dirname(file), readFile, otherProviders }) };
    }
    if (read.missing && given === undefined) continue;
    const parts = { expected: `a file of storages${given === undefined ? '' : `, as ${given} says`}`, got: `${quoted(file, 200)}, which ${read.fault}` };
    return { file, links: { ...NO_LINKS, errors: [configProblem('error', { source: path }, '', parts)] } };
  }
  return { file: undefined, links: NO_LINKS };
}

/** A file that was asked for by name is never replaced by another one. */
function candidates({ configPath }: LoadConfigOptions, env: Environment): readonly { readonly path: string; readonly given?: string }[] {
  if (configPath !== undefined) return [{ path: configPath, given: '--config' }];
  const named = env['STOWAGE_CONFIG'];
  if (named !== undefined && named !== '') return [{ path: named, given: 'STOWAGE_CONFIG' }];
  return [{ path: FILE_NAME }, { path: `/${FILE_NAME}` }];
}
