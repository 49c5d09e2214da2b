import type { Bucket } from './bucket.ts';
import type { BucketCreation } from './bucket-creation.ts';
import { placeText } from './config/config-problem.ts';
import { missingProvider } from './config/provider-names.ts';
import { type MainStorage, PUBLIC_URLS, type StorageConfig, type StorageEntry } from './config/storage-config.ts';
import { accessDiagnosis } from './access-diagnosis.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Call, Layer } from './driver.ts';
import { type LinkSchemes, STANDARD_SCHEMES } from './links/link.ts';
import { parseLink, parseLinkPrefix } from './links/parse-link.ts';
import { openBucket } from './open-bucket.ts';
import type { ConfigContext, Provider } from './provider.ts';
import { isStorageError, StorageError } from './storage-error.ts';
import { nearestName } from './wording/nearest-name.ts';
import { quoted } from './wording/quoted.ts';

export interface StoragesOptions {
  /** Providers that may be used; each name and each scheme belongs to one. */
  readonly providers: readonly Provider[];
  /** As `loadConfig`, `parseRemoteLinks` or `checkRemoteLinks` of `@stowage/core/config` give it. */
  readonly config: StorageConfig;
  /** For every bucket, from the driver outwards. Default: none. */
  readonly layers?: readonly Layer[];
  /** What providers may use of this program besides the configuration. Default: nothing. */
  readonly context?: ConfigContext;
}

/** What a link names. */
export interface ResolvedLink {
  readonly bucket: Bucket;
  readonly key: string;
}

/**
 * Buckets by link, each opened when it is first asked for and shared from then on: close them here, not one by one.
 *
 * A link's bucket is looked for in the configured entries, then in the main storage where that is a cloud of the same provider.
 */
export interface Storages extends AsyncDisposable {
  /** The bucket of `s3://cars`. Throws `InvalidLink` for what is no link of a bucket, and `Config` where no storage has it. */
  bucket(link: string): Bucket;
  /** The bucket and key of `s3://cars/truck.jpg`. A public http link needs no entry, though one of the provider `http` says what may be reached: its key is the whole URL. Throws as `bucket`. */
  resolve(link: string): ResolvedLink;
  /** A bucket of the main storage, whichever provider that is: on the local disk `DATA_PATH/storage/<name>`. Throws `Config` where there is none. */
  main(name: string): Bucket;
  /**
   * What the configured credentials may do with the bucket of `s3://cars`, and what to ask for where that is not enough: the
   * provider's own diagnosis, else one made of `checkAccess`. A public http link is examined itself. Rejects as `bucket` throws, and for an abort; what the store refuses
   * is in the diagnosis.
   */
  diagnose(link: string, call?: Call): Promise<Diagnosis>;
  /**
   * Makes the bucket of `s3://cars` where it is not there: as `Provider.createBucket`, in one attempt. Rejects as `bucket` throws, and
   * with `Unsupported` where the provider has no way to make buckets.
   */
  createBucket(link: string, call?: Call): Promise<BucketCreation>;
  /** Closes every bucket that was opened. */
  close(): Promise<void>;
}

/** No I/O: buckets are opened lazily. Throws `Config` where two providers claim one name or scheme. */
export function createStorages({ providers, config, layers = [], context = {} }: StoragesOptions): Storages {
  return new ConfiguredStorages(providers, config, layers, context);
}

/** How many names a message lists. */
const LISTED = 10;

class ConfiguredStorages implements Storages {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #schemes: LinkSchemes;
  readonly #config: StorageConfig;
  readonly #layers: readonly Layer[];
  readonly #context: ConfigContext;
  readonly #entries = new Map<string, StorageEntry>();
  readonly #parsed = new Map<object, unknown>();
  readonly #buckets = new Map<string, Bucket>();
  #closed = false;

  constructor(providers: readonly Provider[], config: StorageConfig, layers: readonly Layer[], context: ConfigContext) {
    this.#providers = byName(providers);
    this.#schemes = bySchemes(providers);
    this.#config = config;
    this.#layers = layers;
    this.#context = context;
    for (const entry of config.entries) for (const bucket of entry.buckets) this.#entries.set(bucketId(entry.provider, bucket), entry);
  }

  bucket(link: string): Bucket {
    return this.#open(this.#linkOfBucket(link));
  }

  resolve(link: string): ResolvedLink {
    const parsed = parseLink(link, { schemes: this.#schemes });
    if (parsed.kind === 'object') return { bucket: this.#open(this.#linked(parsed.provider, parsed.bucket)), key: parsed.key };
    return { bucket: this.#open(this.#publicPlace(parsed.url)), key: parsed.url };
  }

  #publicPlace(url: string): StoragePlace {
    const provider = this.#schemes.get(url.slice(0, url.indexOf(':'))) ?? '';
    return this.#configured(provider, PUBLIC_URLS) ?? { provider, bucket: PUBLIC_URLS, settings: PUBLIC_SETTINGS, realm: '' };
  }

  main(name: string): Bucket {
    const { main } = this.#config;
    if (main === undefined) throw new StorageError('Config', 'there is no main storage: its settings have errors, or none were read', { bucket: name });
    return this.#open(inMain(main, name));
  }

  async diagnose(link: string, call: Call = {}): Promise<Diagnosis> {
    const url = publicUrl(link, this.#schemes);
    const place = url === undefined ? this.#linkOfBucket(link) : this.#publicPlace(url);
    const { provider, config } = this.#provided(place);
    if (provider.diagnose) return provider.diagnose(config, url ?? place.bucket, call);
    return accessDiagnosis(this.#open(place), call);
  }

  async createBucket(link: string, call: Call = {}): Promise<BucketCreation> {
    const place = this.#linkOfBucket(link);
    const { provider, config } = this.#provided(place);
    if (provider.createBucket) return await provider.createBucket(config, place.bucket, call);
    const details = { operation: 'createBucket', provider: provider.name, bucket: place.bucket };
    throw new StorageError(
      'Unsupported',
      `buckets of ${provider.name} cannot be made through Stowage; make ${quoted(place.bucket)} with the store's own tools`,
      details,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    const buckets = [...this.#buckets.values()];
    this.#buckets.clear();
    const closed = await Promise.allSettled(buckets.map(async (bucket) => bucket.close()));
    const errors = closed.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} buckets could not be closed`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #linkOfBucket(link: string): StoragePlace {
    const { provider, bucket, prefix } = parseLinkPrefix(link, { schemes: this.#schemes });
    if (prefix !== '') throw new StorageError('InvalidLink', `expected a link of a bucket alone; got ${quoted(link)}, which names ${quoted(prefix)} in it`);
    return this.#linked(provider, bucket);
  }

  #linked(provider: string, bucket: string): StoragePlace {
    const configured = this.#configured(provider, bucket);
    if (configured !== undefined) return configured;
    const { main } = this.#config;
    // A local main storage has no links: a misspelt storage ID would become an empty folder of it.
    if (main?.provider === provider && main.folder === undefined) return inMain(main, bucket);
    throw this.#unknownBucket(provider, bucket);
  }

  /** What an entry says of the bucket; undefined where none has it. Throws `Config` where several do. */
  #configured(provider: string, bucket: string): StoragePlace | undefined {
    const entry = this.#entries.get(bucketId(provider, bucket));
    if (entry) return { provider, bucket, settings: entry.settings, entry, realm: '' };
    const claim = this.#config.contested?.find((one) => one.provider === provider && one.bucket === bucket);
    if (claim === undefined) return undefined;
    throw new StorageError(
      'Config',
      `the bucket ${quoted(bucket)} of ${provider} is claimed by ${claim.entries.map((one) => quoted(one)).join(' and ')}: leave it to one`,
      { provider, bucket },
    );
  }

  #open(place: StoragePlace): Bucket {
    const id = place.realm + bucketId(place.provider, place.bucket);
    const opened = this.#closed ? undefined : this.#buckets.get(id);
    if (opened) return opened;
    const { provider, config } = this.#provided(place);
    const bucket = openBucket(provider.open(config, place.bucket), { layers: this.#layers });
    this.#buckets.set(id, bucket);
    return bucket;
  }

  /** The provider of a place, and what it makes of the settings there. */
  #provided({ provider: name, bucket, settings, entry }: StoragePlace): { readonly provider: Provider; readonly config: unknown } {
    if (this.#closed) throw new StorageError('InvalidArgument', 'these storages are closed', { provider: name, bucket });
    const provider = this.#providers.get(name);
    if (!provider) throw new StorageError('Config', missingProvider(name), { provider: name, bucket });
    return { provider, config: this.#settingsFor(provider, settings, entry) };
  }

  /** What the provider makes of the settings, made once for all buckets of an entry. */
  #settingsFor(provider: Provider, settings: object, entry: StorageEntry | undefined): unknown {
    if (this.#parsed.has(settings)) return this.#parsed.get(settings);
    try {
      const parsed = provider.parseConfig(settings, this.#context);
      this.#parsed.set(settings, parsed);
      return parsed;
    } catch (error) {
      if (!isStorageError(error)) throw error;
      const where = entry === undefined ? 'main storage: ' : `${placeText(entry)}: ${quoted(entry.name)}: `;
      throw new StorageError(error.code, where + error.message, { provider: provider.name, retryable: error.retryable, cause: error });
    }
  }

  #unknownBucket(provider: string, name: string): StorageError {
    const known = this.#config.entries.flatMap((entry) => entry.buckets.map((bucket) => ({ bucket, entry })));
    const shown = known.slice(0, LISTED).map(({ bucket, entry }) => `${entry.provider} ${quoted(bucket)} (${quoted(entry.name)})`);
    const more = known.length > LISTED ? `, and ${known.length - LISTED} more` : '';
    const near = nearestName(
      name,
      known.filter(({ entry }) => entry.provider === provider).map(({ bucket }) => bucket),
    );
    const elsewhere = known.find(({ bucket }) => bucket === name)?.entry.provider;
    const parts = [
      `no configured storage has the ${provider} bucket ${quoted(name)}`,
      `configured: ${shown.length === 0 ? 'none' : shown.join(', ') + more}`,
      near === undefined ? '' : `did you mean ${quoted(near)}?`,
      elsewhere === undefined ? '' : `there is one of that name of ${elsewhere}`,
      this.#config.errors?.length ? `the configuration has errors (${this.#config.errors.length}), the first: ${this.#config.errors[0]?.message}` : '',
      'add the bucket to an entry of remote_links.yml',
    ];
    return new StorageError('Config', parts.filter((part) => part !== '').join('; '), { provider, bucket: name });
  }
}

/** The URL of a public link; undefined for a link of a bucket. Throws `InvalidLink`. */
function publicUrl(link: string, schemes: LinkSchemes): string | undefined {
  if (!/^https?:/i.test(link)) return undefined;
  const parsed = parseLink(link, { schemes });
  return parsed.kind === 'object' ? undefined : parsed.url;
}

const PUBLIC_SETTINGS = { provider: 'http' };

/** Where a bucket is, before it is opened. */
interface StoragePlace {
  readonly provider: string;
  readonly bucket: string;
  readonly settings: object;
  readonly entry?: StorageEntry;
  /** Keeps a bucket of the main storage apart from a linked one of the same name. */
  readonly realm: '' | 'main';
}

function inMain({ provider, settings, folder }: MainStorage, bucket: string): StoragePlace {
  if (folder === undefined) return { provider, bucket, settings, realm: 'main' };
  if (!isFolderName(bucket))
    throw new StorageError('InvalidArgument', `expected the name of a folder of ${quoted(folder)}; got ${quoted(bucket)}`, { provider, bucket });
  return { provider, bucket, settings: { ...settings, path: `${folder}/${bucket}`, storage_id: bucket }, realm: 'main' };
}

function bucketId(provider: string, bucket: string): string {
  return `${provider}\n${bucket}`;
}

function isFolderName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name);
}

function byName(providers: readonly Provider[]): ReadonlyMap<string, Provider> {
  const named = new Map<string, Provider>();
  for (const provider of providers) {
    if (named.has(provider.name)) throw new StorageError('Config', `two providers are named ${quoted(provider.name)}: pass one of them`);
    named.set(provider.name, provider);
  }
  return named;
}

/** The standard schemes, so that a link of a provider that is not there gets a useful answer, and the providers' own over them. */
function bySchemes(providers: readonly Provider[]): LinkSchemes {
  const claimed = new Map<string, string>();
  for (const { name, schemes } of providers) {
    for (const scheme of schemes) {
      const other = claimed.get(scheme);
      if (other !== undefined)
        throw new StorageError('Config', `the providers ${quoted(other)} and ${quoted(name)} both claim the link scheme ${quoted(scheme)}: pass one of them`);
      claimed.set(scheme, name);
    }
  }
  return new Map([...STANDARD_SCHEMES, ...claimed]);
}
