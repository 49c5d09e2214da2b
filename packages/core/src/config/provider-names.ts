import { nearestName } from '../wording/nearest-name.ts';
import { quoted } from '../wording/quoted.ts';
import type { ProblemParts } from './config-problem.ts';

/** The npm package of each provider that Stowage ships, by the provider's name in configuration. */
export const PROVIDER_PACKAGES: ReadonlyMap<string, string> = new Map([
  ['minio', '@stowage/minio'],
  ['azure', '@stowage/azure'],
  ['google', '@stowage/google'],
  ['fs', '@stowage/fs'],
  ['http', '@stowage/http'],
]);

/** What to tell where a provider is named whose package is not there: what to install, or that no such provider is known. */
export function missingProvider(name: string): string {
  const packageName = PROVIDER_PACKAGES.get(name);
  if (packageName === undefined) return `no package is known for the provider ${quoted(name)}; pass its provider to createStorages`;
  return `the provider ${quoted(name)} is not installed: run "npm install ${packageName}"`;
}

/** Names that people write for a provider, beside what is near in spelling. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['s3', 'minio'],
  ['aws', 'minio'],
  ['amazon', 'minio'],
  ['azurite', 'azure'],
  ['blob', 'azure'],
  ['gcs', 'google'],
  ['gs', 'google'],
  ['gcp', 'google'],
  ['file', 'fs'],
  ['local', 'fs'],
  ['disk', 'fs'],
  ['https', 'http'],
  ['url', 'http'],
]);

/** The parts of a problem for a provider's name that is none. `meant`: more names that people write, each with what it means. */
export function unknownProvider(name: string, known: readonly string[], meant: Readonly<Record<string, string>> = {}): ProblemParts {
  const said = name.toLowerCase();
  const named = Object.hasOwn(meant, said) ? meant[said] : MEANT.get(said);
  const near = named !== undefined && known.includes(named) ? named : nearestName(name, known);
  // A secret that slipped into the wrong line is longer than any name.
  const got = /^[\w.-]{0,24}$/.test(name) ? quoted(name) : 'a text that is no name';
  return { expected: `one of ${known.join(', ')}`, got, ...(near === undefined ? {} : { advice: `did you mean ${quoted(near)}?` }) };
}
