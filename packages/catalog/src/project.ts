import type { Id, IdLike } from './id.ts';

/** What the entities of a project are. */
export const PROJECT_TYPES = ['images', 'videos'] as const;
export type ProjectType = (typeof PROJECT_TYPES)[number];

export interface Project {
  readonly id: Id;
  /** Unique in the catalog; compared as text, with its case. */
  readonly name: string;
  readonly type: ProjectType;
  readonly createdAt: Date;
}

export interface NewProject {
  readonly name: string;
  readonly type: ProjectType;
}

/** How much a removal took away: rows of the catalog, never bytes of a storage. */
export interface Removed {
  readonly datasets: number;
  readonly entities: number;
}

export interface Projects {
  /** Throws `AlreadyExists` where the name is taken, `InvalidArgument` for a name that cannot be kept or another type. */
  create(project: NewProject): Promise<Project>;
  /** The project of that name, made where there is none. Throws `AlreadyExists` where it is of another type. Safe between processes. */
  ensure(project: NewProject): Promise<Project>;
  /** Throws `NotFound`. */
  get(id: IdLike): Promise<Project>;
  find(name: string): Promise<Project | undefined>;
  /** All, in the order of their ids. */
  list(): Promise<Project[]>;
  /** Removes the project, its datasets, entities and their history in one transaction. Throws `NotFound`. */
  remove(id: IdLike): Promise<Removed>;
}
