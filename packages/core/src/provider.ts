import type { BucketCreation } from './bucket-creation.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { BucketDriver, Call } from './driver.ts';

/** What a provider may take from the program that reads its configuration. */
export interface ConfigContext {
  /** Variables for the ways to sign in that read them. Default: none, as only a program knows whether its own environment is meant. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told what a user should know and that is no failure: a certificate near its end. */
  readonly onNotice?: (notice: string) => void;
}

/** A kind of store: how its configuration is read and how its buckets are opened. A provider package exports one. */
export interface Provider<C = unknown> {
  /** As in configuration: `minio`, `azure`, `google`, `fs`, `http`. */
  readonly name: string;
  /** Link schemes that it answers for, in lower case: `s3` and `minio`. */
  readonly schemes: readonly string[];
  /** Reads one entry of the configuration. Throws code `Config`, naming the path of each bad field, never its value. */
  parseConfig(entry: unknown, context?: ConfigContext): C;
  /** Opens a bucket; no I/O, and no wrong credentials are met before the first operation. */
  open(config: C, bucket: string): BucketDriver;
  /**
   * Finds out what these credentials may do with the bucket, and why they may not do the rest, by requests that change nothing.
   * Of public links `bucket` is the URL. Rejects only for an abort. Absent where a provider has nothing to say beyond `checkAccess`.
   */
  diagnose?(config: C, bucket: string, call: Call): Promise<Diagnosis>;
  /**
   * Makes the bucket where there is none of that name, closed to everyone who does not sign in, and looks whether it is. A bucket that
   * is there is never changed. Rejects with `AlreadyExists` for a name that is somebody else's, `AccessDenied` where these credentials
   * may not (the message says what to grant), `Config` for a name that the store does not take. Absent where a provider has no way to
   * make buckets.
   */
  createBucket?(config: C, bucket: string, call: Call): Promise<BucketCreation>;
}
