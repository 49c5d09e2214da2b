/** The main storage and what belongs to it, from variables of the environment. */
import { join } from 'node:path';

import { quoted } from '../wording/quoted.ts';
import { editDistance } from '../wording/nearest-name.ts';
import { CACHE_DEFAULTS, type CacheSettings, readCacheSettings } from './cache-settings.ts';
import { type ConfigPlace, type ConfigProblem, configProblem, type ProblemParts } from './config-problem.ts';
import { ENTRY_RULES, type EntryFields } from './entry-rules.ts';
import { unknownProvider } from './provider-names.ts';
import type { Environment } from './references.ts';
import { guardedSettings, type MainStorage } from './storage-config.ts';

export interface EnvironmentOptions {
  /** The folder that relative paths start at: where the program was started. */
  readonly folder: string;
  /** Where a variable was set, for messages. Default: `environment`, without lines. */
  readonly placeOf?: (name: string) => ConfigPlace;
}

export interface EnvironmentSettings {
  /** Undefined where an error has been told. */
  readonly main: MainStorage | undefined;
  /** `DATA_PATH`; files of the local disk lie under `storage/<bucket>/<key>` in it. Default `/supervisely/data`. */
  readonly dataPath: string;
  readonly cache: CacheSettings;
  readonly warnings: readonly ConfigProblem[];
  readonly errors: readonly ConfigProblem[];
}

export const DEFAULT_DATA_PATH = '/supervisely/data';

/** The variables of the main storage, by the field of an entry that they stand for. */
const VARIABLES: Readonly<Record<string, string>> = {
  provider: 'STORAGE_PROVIDER',
  endpoint: 'STORAGE_ENDPOINT',
  port: 'STORAGE_PORT',
  access_key: 'STORAGE_ACCESS_KEY',
  secret_key: 'STORAGE_SECRET_KEY',
  iam_role: 'STORAGE_IAM_ROLE',
  credentials_path: 'STORAGE_CREDENTIALS_PATH',
  connection_string: 'STORAGE_CONNECTION_STRING',
  sign_in: 'STORAGE_SIGN_IN',
  client_id: 'STORAGE_CLIENT_ID',
};

/** In everybody's file, without meaning here. */
const ACCEPTED = ['STORAGE_JUPYTER_SYNC', 'JUPYTER_DOWNLOAD_FILES_BEFORE_START'];
const KNOWN: readonly string[] = [...Object.values(VARIABLES), ...Object.keys(CACHE_DEFAULTS), ...ACCEPTED];

/** `http` means the local disk: files that the application itself serves over http. */
const PROVIDERS = ['http', 'minio', 'azure', 'google'];

/**
 * Reads the main storage's settings. Variables that mean nothing here are left alone, but for names that look like a typing error
 * of one that does. White space around a value is dropped, an empty one counts as not set. Never throws for what it is given.
 */
export function readEnvironment(env: Environment, o: EnvironmentOptions): EnvironmentSettings {
  const problems: ConfigProblem[] = [];
  const placeOf = o.placeOf ?? (() => ({ source: 'environment' }));
  const report = (severity: ConfigProblem['severity'], name: string, parts: ProblemParts): void =>
    void problems.push(configProblem(severity, placeOf(name), name, parts));
  const value = (name: string): string | undefined => (Object.hasOwn(env, name) ? env[name]?.trim() || undefined : undefined);

  warnOfNearMisses(env, report);
  const dataPath = value('DATA_PATH') ?? DEFAULT_DATA_PATH;
  const cache = readCacheSettings(value, (name, parts) => report('error', name, parts));
  const main = readMain({ value, report, folder: o.folder, dataPath });
  return {
    main,
    dataPath,
    cache,
    warnings: problems.filter(({ severity }) => severity === 'warning'),
    errors: problems.filter(({ severity }) => severity === 'error'),
  };
}

interface MainReading {
  readonly value: (name: string) => string | undefined;
  readonly report: (severity: ConfigProblem['severity'], name: string, parts: ProblemParts) => void;
  readonly folder: string;
  readonly dataPath: string;
}

function readMain({ value, report, folder, dataPath }: MainReading): MainStorage | undefined {
  const provider = value(nameOf('provider')) ?? 'http';
  if (!PROVIDERS.includes(provider)) {
    const parts = unknownProvider(provider, PROVIDERS, { fs: 'http', local: 'http', file: 'http', disk: 'http' });
    report('error', nameOf('provider'), { ...parts, expected: `${parts.expected} (http is the local disk)` });
    return undefined;
  }
  const fields: EntryFields = Object.fromEntries(
    ['endpoint', 'access_key', 'secret_key', 'iam_role', 'credentials_path', 'connection_string', 'sign_in', 'client_id'].flatMap((field) => {
      const written = value(nameOf(field));
      return written === undefined ? [] : [[field, written]];
    }),
  );
  if (provider === 'http') return localDisk(fields, report, join(dataPath, 'storage'));
  let failed = false;
  const tell: MainReading['report'] = (severity, field, parts) => {
    failed ||= severity === 'error';
    report(severity, nameOf(field), parts);
  };
  const port = readPort(value(nameOf('port')), tell);
  const settings = ENTRY_RULES[provider]?.(fields, { folder, nameOf, report: tell, ...(port === undefined ? {} : { port }) });
  return failed || settings === undefined ? undefined : { provider, settings: guardedSettings({ provider, ...settings }) };
}

function nameOf(field: string): string {
  return VARIABLES[field] ?? field;
}

/** A bucket's credentials beside `http` would be without effect: most likely the provider was forgotten. */
function localDisk(fields: EntryFields, report: MainReading['report'], folder: string): MainStorage {
  for (const field of Object.keys(fields))
    report('warning', nameOf(field), {
      fault: `is not used: ${nameOf('provider')} is http, the local disk`,
      advice: `set ${nameOf('provider')} to minio, azure or google to use it`,
    });
  return { provider: 'fs', settings: guardedSettings({ provider: 'fs' }), folder };
}

function readPort(text: string | undefined, report: MainReading['report']): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  report('error', 'port', { expected: 'a port from 1 to 65535', got: quoted(text, 20) });
  return undefined;
}

/** A letter or two off a name that is known. Files of variables are full of names that are nobody's business here. */
function warnOfNearMisses(env: Environment, report: MainReading['report']): void {
  for (const name of Object.keys(env)) {
    if (KNOWN.includes(name) || name.length < 10 || name.length > 40) continue;
    const allowed = name.length < 15 ? 1 : 2;
    const near = KNOWN.find((known) => Math.abs(known.length - name.length) <= allowed && editDistance(known, name.toUpperCase()) <= allowed);
    if (near !== undefined) report('warning', name, { fault: 'is no name that Stowage knows', advice: `did you mean ${near}?` });
  }
}
