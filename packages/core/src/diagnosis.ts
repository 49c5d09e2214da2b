import type { AccessReport, Permission } from './driver.ts';
import type { StorageError } from './storage-error.ts';

/** A right that is missing, and what to ask the store's owner for. */
export interface MissingPermission {
  readonly permission: Permission;
  /** In the store's own words: `s3:ListBucket`, the SAS letter `l (list)`, `storage.objects.list`. */
  readonly actions: readonly string[];
  /** What cannot be done without it. */
  readonly cost: string;
}

/** Something that was found out, for people: `region`, `eu-central-1`. */
export interface DiagnosisFact {
  readonly name: string;
  readonly value: string;
}

/** What one set of credentials may do with one bucket, measured by requests that change nothing. Holds no secret. */
export interface Diagnosis {
  readonly provider: string;
  readonly bucket: string;
  /** Origin of the service: `https://s3.amazonaws.com`. Absent where there is none. */
  readonly endpoint?: string;
  /** Everything could be asked, and nothing that is needed for daily work is missing. */
  readonly healthy: boolean;
  /** Why nothing could be asked: wrong keys, no such bucket, no connection. */
  readonly problem?: StorageError;
  readonly access?: AccessReport;
  readonly missing: readonly MissingPermission[];
  /** What to hand to the owner of the bucket so that nothing is missing: a policy, SAS letters, roles. Absent where nothing is. */
  readonly grant?: string;
  /** How far this machine's clock is ahead of the server's, in milliseconds, within a second; negative: behind. Absent where no server was met. */
  readonly clockSkewMs?: number;
  /** In the order in which they are worth reading. */
  readonly facts: readonly DiagnosisFact[];
  /** What is no failure, and worth a look: one line each. */
  readonly advice: readonly string[];
}
