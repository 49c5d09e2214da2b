import type { Datasets } from './dataset.ts';
import type { Entities } from './entities.ts';
import type { EntityFilter } from './entity-filter.ts';
import type { Imports } from './import-run.ts';
import type { Projects } from './project.ts';

/**
 * Projects, their datasets, the entities in these, and where each entity's bytes lie.
 *
 * Every method that changes something is one transaction (`setRemote` and `unlink`: one a batch): kept whole or not at all, also
 * through SIGKILL and a power cut. Several processes may use one catalog at once; writers take turns and wait for each other.
 * Every failure is a `CatalogError`.
 */
export interface Catalog extends AsyncDisposable {
  /** What this catalog is, for messages: the file's path, or the URL without its password. */
  readonly location: string;
  readonly engine: 'sqlite' | 'postgres';
  readonly projects: Projects;
  readonly datasets: Datasets;
  readonly entities: Entities;
  readonly imports: Imports;
  /**
   * SHA-256 in hex over every row that the filter takes, all columns, in the order of ids: equal before and after when nothing was
   * touched. Reads everything.
   */
  fingerprint(filter?: EntityFilter): Promise<string>;
  /** Waits for calls under way. Calls behind it throw `Closed`. Closing twice does nothing. */
  close(): Promise<void>;
}
