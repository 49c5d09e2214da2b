import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Catalog, Dataset, Entity, EntityFilter, Id, NewEntity, ProjectType, Removed } from '@stowage/catalog';
import { CommandError, visible } from '@stowage/terminal';
import { bytesText, countOf, countText } from '@stowage/terminal/quantity-text';
import { entityFilter, findDataset, findProject, readPath } from './catalog-names.ts';
import type { CommandContext } from './command-context.ts';
import { entityJson, readEntityLine } from './entity-lines.ts';
import { EXIT } from './exit-code.ts';
import { outputFile } from './output-file.ts';

export interface EntitiesPlace {
  readonly project?: string;
  readonly dataset?: string;
}

export async function listProjects(context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  for (const project of await catalog.projects.list()) {
    const counts = await catalog.entities.count({ projectId: project.id });
    if (context.request.json) await context.print(`${JSON.stringify({ ...project, ...counts })}\n`);
    else
      await context.print(
        `${visible(`#${project.id}  ${project.name}  ${project.type}  ${countOf(counts.entities, 'entity', 'entities')}, ${countText(counts.linked)} linked, ${bytesText(counts.bytes)}`)}\n`,
      );
  }
  return EXIT.done;
}

export async function createProject(name: string, type: ProjectType, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: true });
  const project = await catalog.projects.create({ name, type });
  await context.print(context.request.json ? `${JSON.stringify(project)}\n` : `#${project.id}\n`);
  return EXIT.done;
}

export async function removeProject(name: string, yes: boolean, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const project = await findProject(catalog, name);
  const { entities } = await catalog.entities.count({ projectId: project.id });
  confirm(yes, `the project ${JSON.stringify(project.name)} with ${countOf(entities, 'entity', 'entities')}`);
  return tellRemoved(await catalog.projects.remove(project.id), context);
}

export async function listDatasets(project: string, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const found = await findProject(catalog, project);
  const datasets = await catalog.datasets.list(found.id);
  const counts = new Map((await catalog.entities.countByDataset({ projectId: found.id })).map((one) => [one.datasetId, one]));
  const pathOf = datasetPathsOf(datasets);
  for (const dataset of datasets) {
    const { entities = 0, linked = 0, bytes = 0 } = counts.get(dataset.id) ?? {};
    if (context.request.json) await context.print(`${JSON.stringify({ ...dataset, path: pathOf(dataset.id), entities, linked, bytes })}\n`);
    else
      await context.print(
        `${visible(`#${dataset.id}  ${pathOf(dataset.id).join('/')}  ${countOf(entities, 'entity', 'entities')}, ${countText(linked)} linked, ${bytesText(bytes)}`)}\n`,
      );
  }
  return EXIT.done;
}

export async function createDataset(path: string, project: string, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const names = readPath(path);
  const dataset = await catalog.datasets.ensurePath((await findProject(catalog, project)).id, names);
  await context.print(context.request.json ? `${JSON.stringify({ ...dataset, path: names })}\n` : `#${dataset.id}\n`);
  return EXIT.done;
}

export async function removeDataset(path: string, project: string, yes: boolean, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const found = await findProject(catalog, project);
  const { id } = await findDataset(catalog, found, path);
  const { entities } = await catalog.entities.count({ projectId: found.id, datasetId: id, nested: true });
  confirm(yes, `the dataset ${JSON.stringify(path)} with ${countOf(entities, 'entity', 'entities')}`);
  return tellRemoved(await catalog.datasets.remove(id), context);
}

export async function listEntities(place: EntitiesPlace, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const filter = await entityFilter(catalog, place);
  const pathOf = await allPaths(catalog, filter);
  for await (const { entities } of catalog.entities.pages(filter)) {
    await context.print(
      entities
        .map((entity) =>
          context.request.json
            ? entityJson(entity, pathOf(entity.datasetId))
            : `${visible(`#${entity.id}  ${[...pathOf(entity.datasetId), entity.name].join('/')}  ${entity.size === undefined ? '?' : bytesText(entity.size)}  ${entity.link ?? entity.local ?? 'nowhere'}`)}\n`,
        )
        .join(''),
    );
  }
  return EXIT.done;
}

export async function showEntity(id: string, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const entity = await catalog.entities.get(id.replace(/^#/, ''));
  const history = await catalog.entities.history(entity.id);
  const { projectId } = await catalog.datasets.get(entity.datasetId);
  const pathOf = await allPaths(catalog, { projectId });
  const { datasetId: _, ...rest } = entity;
  await context.print(`${JSON.stringify({ dataset: pathOf(entity.datasetId), ...rest, history }, null, context.request.json ? undefined : 2)}\n`);
  return EXIT.done;
}

export async function removeEntities(ids: readonly string[], yes: boolean, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  confirm(yes, countOf(ids.length, 'entity', 'entities'));
  const gone = await catalog.entities.remove(ids.map((id) => id.replace(/^#/, '')));
  if (context.request.json) await context.print(`${JSON.stringify({ entities: gone })}\n`);
  await context.summarise([`${countOf(gone, 'entity was', 'entities were')} removed from the catalog; no bytes were.`]);
  return gone === ids.length ? EXIT.done : EXIT.failed;
}

export interface ExportRequest extends EntitiesPlace {
  readonly format: 'links' | 'jsonl';
  readonly output?: string;
}

/** Writes entities as a links file, or as JSON lines. */
export async function exportEntities({ format, output, ...place }: ExportRequest, context: CommandContext): Promise<number> {
  const catalog = await context.catalog({ create: false });
  const filter = await entityFilter(catalog, place);
  const pathOf = await allPaths(catalog, filter);
  const file = await outputFile(output, context);
  let written = 0;
  let without = 0;
  try {
    for await (const { entities } of catalog.entities.pages(filter)) {
      const lines = entities.flatMap((entity) => (format === 'jsonl' ? [entityJson(entity, pathOf(entity.datasetId))] : linkLine(entity)));
      written += lines.length;
      without += entities.length - lines.length;
      await file.write(lines.join(''));
    }
    await file.keep();
  } catch (error) {
    await file.discard();
    throw error;
  }
  if (context.request.detail !== 'quiet')
    context.tell(`${countOf(written, 'line')}${without > 0 ? `; ${countText(without)} without a link that a line can hold were left out` : ''}`);
  return without > 0 ? EXIT.failed : EXIT.done;
}

function linkLine({ link }: Entity): string[] {
  return link === undefined || /\n|\r$/.test(link) ? [] : [`${link}\n`];
}

export interface AddRequest {
  readonly file: string;
  readonly project: string;
  readonly dataset?: string;
  readonly type?: ProjectType;
}

/** Rows in one transaction. */
const ROWS = 10_000;

/** Adds entities from JSON lines, as `export` writes them: also such that have a local place and no link. */
export async function addEntities({ file, project, dataset, type }: AddRequest, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const catalog = await context.catalog({ create: true });
  const { id: projectId } = type === undefined ? await findProject(catalog, project) : await catalog.projects.ensure({ name: project, type });
  const input = file === '-' ? Readable.from(terminal.stdin, { objectMode: false }) : createReadStream(resolve(terminal.cwd, file));
  const ids = new Map<string, Id>();
  const counts: Record<string, number> = { added: 0, present: 0, skipped: 0, refused: 0 };
  let rows: NewEntity[] = [];
  let lines: number[] = [];
  const refuse = (line: number, reason: string): void => {
    counts['refused'] = (counts['refused'] ?? 0) + 1;
    terminal.stderr.write(`${visible(`${file}:${line}: ${reason}`)}\n`);
  };
  const flush = async (): Promise<void> => {
    for (const [i, outcome] of (await catalog.entities.add(rows, { onNameTaken: 'skip' })).entries()) {
      if (outcome.kind === 'refused') refuse(lines[i] ?? 0, outcome.reason);
      else counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1;
    }
    rows = [];
    lines = [];
  };
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line++;
      if (text.trim() === '') continue;
      const read = readEntityLine(text.replace(/^\ufeff/, ''));
      if (!read.ok) {
        refuse(line, read.reason);
        continue;
      }
      const path = dataset === undefined ? read.dataset : readPath(dataset);
      if (path === undefined || path.length === 0) {
        refuse(line, 'expected "dataset", a list of names, or --dataset');
        continue;
      }
      const name = path.join('\0');
      let datasetId = ids.get(name);
      if (datasetId === undefined) ids.set(name, (datasetId = (await catalog.datasets.ensurePath(projectId, path)).id));
      rows.push({ ...read.entity, datasetId });
      lines.push(line);
      if (rows.length === ROWS) await flush();
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new CommandError(`${JSON.stringify(file)} cannot be read: ${code ?? String(error)}`, EXIT.source, error);
  }
  await flush();
  if (context.request.json) await context.print(`${JSON.stringify(counts)}\n`);
  await context.summarise([
    Object.entries(counts)
      .map(([kind, count]) => `${countText(count)} ${kind === 'skipped' ? 'skipped (name taken)' : kind}`)
      .join(', '),
  ]);
  return (counts['refused'] ?? 0) > 0 ? EXIT.failed : EXIT.done;
}

function confirm(yes: boolean, what: string): void {
  if (!yes) throw new CommandError(`this would remove ${what} from the catalog (no bytes); say --yes to do it`);
}

async function tellRemoved({ datasets, entities }: Removed, context: CommandContext): Promise<number> {
  if (context.request.json) await context.print(`${JSON.stringify({ datasets, entities })}\n`);
  await context.summarise([`${countOf(datasets, 'dataset')} and ${countOf(entities, 'entity', 'entities')} were removed from the catalog; no bytes were.`]);
  return EXIT.done;
}

/** Paths of the datasets of one project, or of all. */
async function allPaths(catalog: Catalog, { projectId }: EntityFilter): Promise<(id: Id) => readonly string[]> {
  const projects = projectId === undefined ? (await catalog.projects.list()).map(({ id }) => id) : [projectId];
  const datasets = await Promise.all(projects.map((id) => catalog.datasets.list(id)));
  return datasetPathsOf(datasets.flat());
}

function datasetPathsOf(datasets: readonly Dataset[]): (id: Id) => readonly string[] {
  const paths = new Map<Id, readonly string[]>();
  for (const { id, parentId, name } of datasets) paths.set(id, [...(parentId === undefined ? [] : (paths.get(parentId) ?? [])), name]);
  return (id) => paths.get(id) ?? [`#${id}`];
}
