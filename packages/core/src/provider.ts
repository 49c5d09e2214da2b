import type { BucketDriver } from './driver.ts';

/** A kind of store: how its configuration is read and how its buckets are opened. A provider package exports one. */
export interface Provider<C = unknown> {
  /** As in configuration: `minio`, `azure`, `google`, `fs`, `http`. */
  readonly name: string;
  /** Link schemes that it answers for, in lower case: `s3` and `minio`. */
  readonly schemes: readonly string[];
  /** Reads one entry of the configuration. Throws code `Config`, naming the path of each bad field, never its value. */
  parseConfig(entry: unknown): C;
  /** Opens a bucket; no I/O, and no wrong credentials are met before the first operation. */
  open(config: C, bucket: string): BucketDriver;
}
