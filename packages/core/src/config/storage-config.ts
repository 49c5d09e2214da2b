import { inspect } from 'node:util';

import type { ConfigPlace, ConfigProblem } from './config-problem.ts';

/** One configured storage that can be used. */
export interface StorageEntry extends ConfigPlace {
  /** As people named it; not used in links. */
  readonly name: string;
  /** As in configuration: `minio`, `azure`, `google`, `fs`. */
  readonly provider: string;
  /** The buckets that links may name; for `fs` the storage ID alone, for `http` `public` alone. */
  readonly buckets: readonly string[];
  /** What the provider's `parseConfig` is given: the fields of the entry, with references resolved. Holds secrets: shows none when printed or turned to JSON. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** What the one bucket of all public URLs is called: an entry of the provider `http` has it, and needs no name for it. */
export const PUBLIC_URLS = 'public';

/** A bucket that several entries claim: a link cannot say which it means, so none of them has it. */
export interface ContestedBucket {
  readonly provider: string;
  readonly bucket: string;
  /** The names of the entries. */
  readonly entries: readonly string[];
}

/** Where an application keeps what is its own. */
export interface MainStorage {
  /** `fs` for the local disk (`STORAGE_PROVIDER=http`), `minio`, `azure` or `google`. */
  readonly provider: string;
  /** As {@link StorageEntry.settings}. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** On the local disk: the folder whose folders are the buckets, `DATA_PATH/storage`. */
  readonly folder?: string;
}

/** What `createStorages` opens buckets from. */
export interface StorageConfig {
  readonly entries: readonly StorageEntry[];
  readonly contested?: readonly ContestedBucket[];
  readonly main?: MainStorage;
  /** What is wrong with entries that were left out: told where a link names a bucket that is not found. */
  readonly errors?: readonly ConfigProblem[];
}

/** Fields that are shown; every other may hold a secret. */
const PUBLIC: ReadonlySet<string> = new Set([
  'provider',
  'endpoint',
  'region',
  'path_style',
  'store',
  'transport',
  'etag_is_md5',
  'versioned',
  'buckets',
  'path',
  'storage_id',
  'credentials_path',
  'iam_role',
  'trust_anchor_arn',
  'profile_arn',
  'sign_in',
  'client_id',
  'delete_snapshots',
  'copy_from_urls',
  'service_version',
  'profile',
  'web_identity_token_file',
  'role_session_name',
  'duration_seconds',
  'sts_endpoint',
  'token_endpoint',
  'user_project',
  'allow_hosts',
  'allow_networks',
  'allow_ports',
  'allow_http',
  'max_size',
  'max_redirects',
  'answer_timeout',
  'silence_timeout',
  'total_timeout',
]);

/** The settings, frozen; printing them or turning them to JSON shows none but the public ones. Copies made by spreading them do. */
export function guardedSettings<F extends Readonly<Record<string, unknown>>>(fields: F, shownNames: ReadonlySet<string> = PUBLIC): Readonly<F> {
  const shown = (): Record<string, unknown> =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shownNames.has(name) ? value : '[hidden]']));
  const settings = Object.defineProperties({ ...fields }, { toJSON: { value: shown }, [inspect.custom]: { value: shown } });
  return Object.freeze(settings);
}
