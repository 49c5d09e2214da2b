import type { Catalog, Checkpoint, Content, Id, NameConflict, Places, Project } from '@stowage/catalog';
import type { ProjectKind } from '../media-type.ts';

/** An entity that is to be, in a dataset named by its path. */
export interface NewItem extends Content, Pick<Places, 'revision'> {
  readonly dataset: readonly string[];
  readonly name: string;
  readonly link: string;
  readonly tags: readonly string[];
}

/** Where an import goes. */
export interface ImportTarget {
  /** Undefined where a dry run would make it. */
  readonly project: Project | undefined;
  readonly kind: ProjectKind;
  /** For each, whether its dataset has its link. */
  present(items: readonly Pick<NewItem, 'dataset' | 'link'>[]): Promise<readonly boolean[]>;
  add(items: readonly NewItem[], checkpoint?: Checkpoint): Promise<readonly TargetOutcome[]>;
}

/** As `AddOutcome`; in a dry run there are no ids. */
export type TargetOutcome =
  | { readonly kind: 'added'; readonly id?: Id; readonly name: string; readonly renamed: boolean }
  | { readonly kind: 'present' | 'replaced' | 'skipped'; readonly id?: Id; readonly name: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** The catalog itself. */
export async function catalogTarget(catalog: Catalog, name: string, type: ProjectKind | undefined, onNameTaken: NameConflict): Promise<ImportTarget> {
  const found = type === undefined ? await catalog.projects.find(name) : undefined;
  const project = await catalog.projects.ensure({ name, type: type ?? found?.type ?? 'images' });
  const datasets = new DatasetIds(catalog, project);
  return {
    project,
    kind: project.type,
    async present(items) {
      const known = await Promise.all(items.map(async ({ dataset, link }) => ({ datasetId: await datasets.find(dataset), link })));
      return findPresent(catalog, known);
    },
    async add(items, checkpoint) {
      const entities = [];
      for (const { dataset, ...entity } of items) entities.push({ ...entity, datasetId: datasets.known(dataset) ?? (await datasets.ensure(dataset)) });
      return catalog.entities.add(entities, { onNameTaken, ...(checkpoint === undefined ? {} : { checkpoint }) });
    },
  };
}

/** Tries in an empty catalog what the real one, which is only read, would make of it. */
export async function dryRunTarget(
  catalog: Catalog,
  scratch: Catalog,
  name: string,
  type: ProjectKind | undefined,
  onNameTaken: NameConflict,
): Promise<ImportTarget> {
  const project = await catalog.projects.find(name);
  // The same refusal as that of the real run.
  if (project !== undefined && type !== undefined && project.type !== type) await catalog.projects.ensure({ name, type });
  const kind = project?.type ?? type ?? 'images';
  const trial = await catalogTarget(scratch, name, kind, onNameTaken);
  const datasets = project === undefined ? undefined : new DatasetIds(catalog, project);
  const present = async (items: readonly Pick<NewItem, 'dataset' | 'link'>[]): Promise<readonly boolean[]> => {
    if (datasets === undefined) return items.map(() => false);
    const known = await Promise.all(items.map(async ({ dataset, link }) => ({ datasetId: await datasets.find(dataset), link })));
    return findPresent(catalog, known);
  };
  const takenNames = async (items: readonly NewItem[]): Promise<readonly boolean[]> => {
    if (datasets === undefined) return items.map(() => false);
    const known = await Promise.all(items.map(async (item) => ({ datasetId: await datasets.find(item.dataset), name: item.name })));
    const asked = known.flatMap(({ datasetId, name: wanted }) => (datasetId === undefined ? [] : [{ datasetId, name: wanted }]));
    const found = asked.length === 0 ? [] : await catalog.entities.findNames(asked);
    let next = 0;
    return known.map(({ datasetId }) => datasetId !== undefined && found[next++] !== undefined);
  };
  return {
    project,
    kind,
    present,
    async add(items) {
      const there = await present(items);
      const taken = await takenNames(items);
      const tried = await trial.add(items.filter((_, i) => there[i] !== true));
      let next = 0;
      return items.map((item, i): TargetOutcome => {
        if (there[i] === true) return { kind: 'present', name: item.name };
        const outcome = tried[next++];
        if (outcome === undefined) throw new Error('the trial gave fewer outcomes than it was asked for');
        if (outcome.kind === 'refused') return outcome;
        if (outcome.kind !== 'added') return { kind: outcome.kind, name: outcome.name };
        if (taken[i] !== true) return { kind: 'added', name: outcome.name, renamed: outcome.renamed };
        if (onNameTaken === 'rename') return { kind: 'added', name: item.name, renamed: true };
        return { kind: onNameTaken === 'skip' ? 'skipped' : 'replaced', name: item.name };
      });
    },
  };
}

async function findPresent(catalog: Catalog, items: readonly { readonly datasetId: Id | undefined; readonly link: string }[]): Promise<readonly boolean[]> {
  const asked = items.flatMap(({ datasetId, link }) => (datasetId === undefined ? [] : [{ datasetId, link }]));
  const found = asked.length === 0 ? [] : await catalog.entities.findLinks(asked);
  let next = 0;
  return items.map(({ datasetId }) => datasetId !== undefined && found[next++] !== undefined);
}

/** Ids of datasets by their paths; each is asked for once. */
class DatasetIds {
  readonly #catalog: Catalog;
  readonly #project: Project;
  readonly #ids = new Map<string, Id>();

  constructor(catalog: Catalog, project: Project) {
    this.#catalog = catalog;
    this.#project = project;
  }

  known(path: readonly string[]): Id | undefined {
    return this.#ids.get(path.join('\0'));
  }

  /** Undefined where there is none. */
  async find(path: readonly string[]): Promise<Id | undefined> {
    const known = this.known(path);
    if (known !== undefined) return known;
    const dataset = await this.#catalog.datasets.findPath(this.#project.id, path);
    if (dataset !== undefined) this.#ids.set(path.join('\0'), dataset.id);
    return dataset?.id;
  }

  async ensure(path: readonly string[]): Promise<Id> {
    const { id } = await this.#catalog.datasets.ensurePath(this.#project.id, path);
    this.#ids.set(path.join('\0'), id);
    return id;
  }
}
