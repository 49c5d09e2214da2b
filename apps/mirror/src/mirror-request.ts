import type { ConfigurationRequest } from '@stowage/terminal/configuration-files';
import type { Comparison } from '@stowage/transfer';
import type { EngineRequest } from './engine-options.ts';

/** A command line of a mirror, read. */
export interface MirrorRequest extends ConfigurationRequest {
  readonly command: 'sync' | 'copy' | 'check' | 'plan';
  readonly source: string;
  readonly destination: string;
  readonly delete: boolean;
  /** `100` or `25%`. */
  readonly maxDelete?: string;
  readonly dryRun: boolean;
  readonly comparison: Comparison;
  /** What symbolic links to files inside a local tree are: files, or nothing. Default: what the configuration says, else files. */
  readonly symlinks?: 'files' | 'skip';
  readonly transfers?: number;
  /** Whether writes to a local disk wait until they would survive a power loss. */
  readonly fsync: boolean;
  readonly json: boolean;
  readonly progress: boolean;
  /** Whether a plan with something to do exits with a code of its own. */
  readonly exitCode: boolean;
  readonly engine: EngineRequest;
}

/** A command line of `doctor`, read. */
export interface DoctorRequest extends ConfigurationRequest {
  readonly links: readonly string[];
  readonly json: boolean;
}
