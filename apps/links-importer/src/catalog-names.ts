import type { Catalog, Dataset, Entity, EntityFilter, Id, Project } from '@stowage/catalog';
import { CommandError } from '@stowage/terminal';

/** A project by its name, or by its id as `#12`. Throws `CommandError` with the names there are. */
export async function findProject(catalog: Catalog, name: string): Promise<Project> {
  if (/^#\d+$/.test(name)) return catalog.projects.get(name.slice(1));
  const project = await catalog.projects.find(name);
  if (project !== undefined) return project;
  const names = (await catalog.projects.list()).slice(0, 10).map((one) => JSON.stringify(one.name));
  throw new CommandError(
    `there is no project ${JSON.stringify(name)} in ${catalog.location}; ${names.length === 0 ? 'it has none' : `there are ${names.join(', ')}`}`,
  );
}

/** A dataset by its path in the project: `cars`, `cars/2020`. A slash in a name is written as `\/`. */
export async function findDataset(catalog: Catalog, project: Project, path: string): Promise<Dataset> {
  const found = await catalog.datasets.findPath(project.id, readPath(path));
  if (found === undefined)
    throw new CommandError(`the project ${JSON.stringify(project.name)} has no dataset ${JSON.stringify(path)}; "stowage-links datasets list" shows them`);
  return found;
}

export function readPath(path: string): string[] {
  return (path.match(/(?:\\.|[^/\\]|\\$)+/g) ?? []).map((name) => name.replaceAll(/\\(.)/g, '$1'));
}

/** Which entities: of a project, or of a dataset and those within. */
export async function entityFilter(catalog: Catalog, o: { readonly project?: string; readonly dataset?: string }): Promise<EntityFilter> {
  if (o.project === undefined) {
    if (o.dataset !== undefined) throw new CommandError('--dataset needs --project');
    return {};
  }
  const project = await findProject(catalog, o.project);
  if (o.dataset === undefined) return { projectId: project.id };
  return { projectId: project.id, datasetId: (await findDataset(catalog, project, o.dataset)).id, nested: true };
}

/** Names of datasets by their ids, from the project down, read when they are first asked for. */
export class DatasetNames {
  readonly #catalog: Catalog;
  #paths: Promise<Map<Id, readonly string[]>> | undefined;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** `project/dataset/name`. */
  async place({ datasetId, name }: Entity): Promise<string> {
    this.#paths ??= this.#read();
    return [...((await this.#paths).get(datasetId) ?? [`#${datasetId}`]), name].join('/');
  }

  async #read(): Promise<Map<Id, readonly string[]>> {
    const paths = new Map<Id, readonly string[]>();
    for (const project of await this.#catalog.projects.list()) {
      // A parent comes before its children.
      for (const { id, parentId, name } of await this.#catalog.datasets.list(project.id))
        paths.set(id, [...(parentId === undefined ? [project.name] : (paths.get(parentId) ?? [])), name]);
    }
    return paths;
  }
}
