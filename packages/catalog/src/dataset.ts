import type { Id, IdLike } from './id.ts';
import type { Removed } from './project.ts';

export interface Dataset {
  readonly id: Id;
  readonly projectId: Id;
  /** The dataset that this one lies in; absent for one that lies in the project itself. */
  readonly parentId?: Id;
  /** Unique among those of one parent; compared as text, with its case. Not `.` or `..`, no slash: it may become a folder of a key. */
  readonly name: string;
  readonly createdAt: Date;
}

export interface NewDataset {
  readonly projectId: IdLike;
  readonly parentId?: IdLike;
  readonly name: string;
}

export interface Datasets {
  /** Throws `AlreadyExists` where the name is taken in its parent, `NotFound` where project or parent are not there. */
  create(dataset: NewDataset): Promise<Dataset>;
  /** The dataset of that name in that parent, made where there is none. Safe between processes. Throws `NotFound`. */
  ensure(dataset: NewDataset): Promise<Dataset>;
  /** The last dataset of a path of names from the project down, those that are missing made on the way. An empty path is `InvalidArgument`. */
  ensurePath(projectId: IdLike, names: readonly string[]): Promise<Dataset>;
  /** Throws `NotFound`. */
  get(id: IdLike): Promise<Dataset>;
  /** As `ensurePath`, but makes nothing. */
  findPath(projectId: IdLike, names: readonly string[]): Promise<Dataset | undefined>;
  /** Every dataset of a project, nested ones too, in the order of their ids: a parent always before its children. Throws `NotFound`. */
  list(projectId: IdLike): Promise<Dataset[]>;
  /** Removes the dataset, those nested in it, and their entities, in one transaction. Throws `NotFound`. */
  remove(id: IdLike): Promise<Removed>;
}
