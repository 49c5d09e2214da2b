/** `remote_links.yml`: the storages that links may name. */
import { nearestName } from '../wording/nearest-name.ts';
import { quoted } from '../wording/quoted.ts';
import { controlCharacter, isDotSegment } from '../links/link-faults.ts';
import { type ConfigPlace, type ConfigProblem, configProblem, kindOf, pathText, placeText, type ProblemParts } from './config-problem.ts';
import { ENTRY_RULES, type EntryFields, REFUSED_BY_RULE } from './entry-rules.ts';
import { CONFIGURED_PROVIDERS, fieldsOf, shapeFaults } from './entry-schema.ts';
import { unknownProvider } from './provider-names.ts';
import { type ReferenceSources, resolveReference } from './references.ts';
import { type ContestedBucket, guardedSettings, PUBLIC_URLS, type StorageEntry } from './storage-config.ts';
import { readYaml, type YamlEntry } from './yaml-source.ts';

export interface RemoteLinksOptions extends ReferenceSources {
  /** The file's name, for messages. Default `remote_links.yml`. */
  readonly source?: string;
  /** Names of providers that others wrote; their entries need `provider` and `buckets`, all else is the provider's to check. */
  readonly otherProviders?: readonly string[];
}

/** Whatever could be read. An entry with an error is left out; the others are there. */
export interface RemoteLinks {
  readonly entries: readonly StorageEntry[];
  readonly contested: readonly ContestedBucket[];
  readonly warnings: readonly ConfigProblem[];
  readonly errors: readonly ConfigProblem[];
}

/** Reads the text of a `remote_links.yml`. Never throws for what it says. */
export function parseRemoteLinks(text: string, o: RemoteLinksOptions): RemoteLinks {
  const source = o.source ?? 'remote_links.yml';
  const yaml = readYaml(text, source);
  if (yaml.error) return { entries: [], contested: [], warnings: [], errors: [yaml.error] };
  const read = readEntries(yaml.entries, o);
  if (yaml.entries.length > 0) return read;
  return { ...read, warnings: [configProblem('warning', { source }, '', { fault: 'has no entries' })] };
}

/** The same from a value at hand, such as JSON: `{ 'my-cars': { provider: 'minio', … } }`. Problems have no lines. */
export function checkRemoteLinks(value: Readonly<Record<string, unknown>>, o: RemoteLinksOptions): RemoteLinks {
  const place = { source: o.source ?? 'configuration' };
  return readEntries(
    Object.entries(value).map(([name, entry]) => ({ name, value: entry, place, placeOf: () => place, problems: [] })),
    o,
  );
}

function readEntries(written: readonly YamlEntry[], o: RemoteLinksOptions): RemoteLinks {
  const readers = written.map((entry) => new EntryReader(entry, o));
  const entries = readers.flatMap((reader) => reader.read() ?? []);
  const problems = [...readers.flatMap((reader) => reader.problems), ...repeatedNames(written)];
  const claims = contestedBuckets(entries);
  return {
    entries: entries.map((entry) => withoutContested(entry, claims)),
    contested: claims.map(({ problem: _, ...bucket }) => bucket),
    warnings: problems.filter(({ severity }) => severity === 'warning'),
    errors: [...problems.filter(({ severity }) => severity === 'error'), ...claims.map(({ problem }) => problem)],
  };
}

class EntryReader {
  readonly problems: ConfigProblem[];
  readonly #entry: YamlEntry;
  readonly #o: RemoteLinksOptions;

  constructor(entry: YamlEntry, o: RemoteLinksOptions) {
    this.#entry = entry;
    this.#o = o;
    this.problems = [...entry.problems];
  }

  /** The entry as it can be used; undefined where an error has been told. */
  read(): StorageEntry | undefined {
    if (this.#failed()) return undefined;
    const fields = this.#fields();
    const provider = fields && this.#provider(fields);
    if (fields === undefined || provider === undefined) return undefined;
    for (const { path, expected } of shapeFaults(provider, fields)) this.#report('error', path, { expected, got: kindOf(valueAt(fields, path)) });
    const known = this.#withoutUnknown(provider, fields);
    if (this.#failed()) return undefined;
    const settings = this.#applyRules(provider, this.#resolved(known));
    const buckets = this.#buckets(provider, settings);
    return this.#failed()
      ? undefined
      : { name: this.#entry.name, provider, buckets, settings: guardedSettings({ ...settings, ...named(provider, buckets) }), ...this.#entry.place };
  }

  #failed(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }

  #report(severity: ConfigProblem['severity'], path: readonly PropertyKey[], parts: ProblemParts): void {
    this.problems.push(configProblem(severity, this.#entry.placeOf(path), pathText([this.#entry.name, ...path]), parts));
  }

  /** The fields that have a value: one that is left empty is as one left out. */
  #fields(): EntryFields | undefined {
    const { value } = this.#entry;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== ''));
    this.#report('error', [], { expected: 'fields under the name: provider, buckets and more', got: kindOf(value) });
    return undefined;
  }

  #provider(fields: EntryFields): string | undefined {
    const known = [...CONFIGURED_PROVIDERS, ...(this.#o.otherProviders ?? [])];
    const { provider } = fields;
    if (typeof provider === 'string' && known.includes(provider)) return provider;
    this.#report(
      'error',
      ['provider'],
      typeof provider === 'string' ? unknownProvider(provider, known) : { expected: `one of ${known.join(', ')}`, got: kindOf(provider) },
    );
    return undefined;
  }

  /** A field that nobody reads is told and left out; of providers that others wrote all are theirs. */
  #withoutUnknown(provider: string, fields: EntryFields): EntryFields {
    const known = fieldsOf(provider);
    if (known === undefined) return fields;
    const used = new Set([...known, ...REFUSED_BY_RULE]);
    for (const name of Object.keys(fields).filter((field) => !used.has(field))) {
      const near = nearestName(name, known);
      const advice = near === undefined ? `the fields of ${provider} are ${known.join(', ')}` : `did you mean ${near}?`;
      this.#report('warning', [name], { fault: 'is no field that Stowage knows, and is left out', advice });
    }
    return Object.fromEntries(Object.entries(fields).filter(([name]) => used.has(name)));
  }

  /** Fields and items of their lists, with references resolved. What lies deeper is a provider's own. */
  #resolved(fields: EntryFields): EntryFields {
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map((item, i) => this.#resolve(item, [name, i])) : this.#resolve(value, [name]),
      ]),
    );
  }

  #resolve(value: unknown, path: readonly PropertyKey[]): unknown {
    const read = resolveReference(value, this.#o);
    if (!read.ok) {
      const { ok: _, ...parts } = read;
      return this.#report('error', path, parts);
    }
    if (read.warning) this.#report('warning', path, read.warning);
    return read.value;
  }

  #applyRules(provider: string, fields: EntryFields): EntryFields {
    const rule = Object.hasOwn(ENTRY_RULES, provider) ? ENTRY_RULES[provider] : undefined;
    // A reference that could not be resolved has been told; the rules would tell it again as a missing field.
    if (rule === undefined || this.#failed()) return fields;
    const report = (severity: ConfigProblem['severity'], field: string, parts: ProblemParts): void => this.#report(severity, [field], parts);
    return rule(fields, { folder: this.#o.folder, report, nameOf: (field) => field });
  }

  /** The names that links may use, each once. */
  #buckets(provider: string, settings: EntryFields): readonly string[] {
    if (provider === 'http') return [PUBLIC_URLS];
    const written = provider === 'fs' ? [settings['storage_id'] ?? this.#entry.name] : settings['buckets'];
    const names = new Set<string>();
    for (const [i, name] of (Array.isArray(written) ? written : []).entries()) {
      if (typeof name !== 'string') continue;
      const path = provider === 'fs' ? ['storage_id'] : ['buckets', i];
      const fault = bucketFault(name);
      if (fault !== undefined) this.#report('error', path, { expected: 'a name that a link can hold', got: fault });
      else if (names.has(name)) this.#report('warning', path, { fault: `repeats ${quoted(name)}` });
      names.add(name);
    }
    return [...names];
  }
}

/** What the provider is told of the entry's buckets: an fs entry has one, by its ID; http has one, which nobody names. */
function named(provider: string, buckets: readonly string[]): EntryFields {
  if (provider === 'http') return {};
  return provider === 'fs' ? { storage_id: buckets[0] } : { buckets };
}

/** Names are judged no harder than a link demands: the provider has its own rules, and old buckets broke them. */
function bucketFault(name: string): string | undefined {
  if (name === '') return 'an empty text';
  if (name.includes('/')) return 'one with a "/"';
  if (controlCharacter(name, 0, name.length) >= 0) return 'one with a control character';
  if (!name.isWellFormed()) return 'one with half of a surrogate pair';
  return isDotSegment(name, 0, name.length) ? 'one that is "." or ".."' : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, part) => (typeof at === 'object' && at !== null ? Object.getOwnPropertyDescriptor(at, part)?.value : undefined), value);
}

/** Names are for people: two entries of one name are both used. */
function repeatedNames(entries: readonly YamlEntry[]): ConfigProblem[] {
  const seen = new Map<string, ConfigPlace>();
  return entries.flatMap(({ name, place }) => {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, place);
    return first === undefined
      ? []
      : [
          configProblem('warning', place, pathText([name]), {
            fault: `repeats the name of the entry at ${placeText(first)}`,
            advice: 'both are used; give each a name of its own',
          }),
        ];
  });
}

type Claim = ContestedBucket & { readonly problem: ConfigProblem };

/** Each bucket that two entries or more claim; a link to it could mean either, with other credentials or on another server. */
function contestedBuckets(entries: readonly StorageEntry[]): readonly Claim[] {
  const claims = Map.groupBy(
    entries.flatMap((entry) => entry.buckets.map((bucket) => ({ entry, bucket, claim: `${entry.provider}\n${bucket}` }))),
    ({ claim }) => claim,
  );
  return [...claims.values()].flatMap((group) => {
    const [first, second] = group;
    if (first === undefined || second === undefined) return [];
    const { bucket, entry } = first;
    const names = group.map((claim) => pathText([claim.entry.name]));
    const where = group.map((claim) => `${pathText([claim.entry.name])} (${placeText(claim.entry)})`).join(' and ');
    const field = entry.provider === 'fs' ? 'storage ID' : 'bucket';
    const what = entry.provider === 'http' ? 'what public links may reach' : `the ${field} ${quoted(bucket)} of ${entry.provider}`;
    const fault = `${what} is ${entry.provider === 'http' ? 'said' : 'claimed'} by ${where}`;
    const { source, line, column } = second.entry;
    const place = { source, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
    const problem = configProblem('error', place, names[1] ?? '', { fault, advice: 'neither is used for it: leave it to one' });
    return [{ provider: entry.provider, bucket, entries: group.map((claim) => claim.entry.name), problem }];
  });
}

function withoutContested(entry: StorageEntry, claims: readonly ContestedBucket[]): StorageEntry {
  const buckets = entry.buckets.filter((bucket) => !claims.some((claim) => claim.provider === entry.provider && claim.bucket === bucket));
  return buckets.length === entry.buckets.length ? entry : { ...entry, buckets };
}
