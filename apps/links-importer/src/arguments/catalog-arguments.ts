import type { ProjectType } from '@stowage/catalog';
import { command, given, withOutput } from '@stowage/terminal';
import { type Command, Option } from 'commander';
import type * as commands from '../catalog-commands.ts';
import { type CommonOptions, commonRequest, type Run, withCatalog } from './common-arguments.ts';

type Commands = typeof commands;

interface PlaceOptions extends CommonOptions {
  readonly project?: string;
  readonly dataset?: string;
}

interface ExportOptions extends PlaceOptions {
  readonly format: 'links' | 'jsonl';
  readonly output?: string;
}

const yes = (): Option => new Option('--yes', 'do it');
const project = (): Option => new Option('--project <name>', 'name, or id as #12');
const dataset = (): Option => new Option('--dataset <path>', 'a dataset of the project, and those within');
const load = (): Promise<Commands> => import('../catalog-commands.ts');

/** `projects`, `datasets` and `entities`: what the catalog holds. None of them touches a byte of a storage. */
export function catalogArguments(run: Run): Command[] {
  return [projects(run), datasets(run), entities(run)];
}

function projects(run: Run): Command {
  const family = command('projects', 'Lists, shows, makes, removes and exports projects.');
  added(family, command('list', 'All projects.')).action((o: CommonOptions) => run(commonRequest(o), async (context) => (await load()).listProjects(context)));
  added(family, command('show', 'The datasets of a project.').argument('<name>')).action((name: string, o: CommonOptions) =>
    run(commonRequest(o), async (context) => (await load()).listDatasets(name, context)),
  );
  const create = command('create', 'An empty project.')
    .argument('<name>')
    .addOption(new Option('--type <type>').choices(['images', 'videos']).default('images'));
  added(family, create).action((name: string, o: CommonOptions & { readonly type: ProjectType }) =>
    run(commonRequest(o), async (context) => (await load()).createProject(name, o.type, context)),
  );
  const remove = command('remove', 'From the catalog, with all that it holds; never bytes.').argument('<name>').addOption(yes());
  added(family, remove).action((name: string, o: CommonOptions & { readonly yes?: true }) =>
    run(commonRequest(o), async (context) => (await load()).removeProject(name, o.yes === true, context)),
  );
  added(family, exporting(command('export', 'A links file, or JSON lines, of a project.').argument('<name>'))).action((name: string, o: ExportOptions) =>
    run(commonRequest(o), async (context) => (await load()).exportEntities({ project: name, format: o.format, ...given({ output: o.output }) }, context)),
  );
  return family;
}

function datasets(run: Run): Command {
  const family = command('datasets', 'Lists, makes, removes and exports datasets.');
  added(family, command('list', 'Those of a project.').addOption(project().makeOptionMandatory())).action((o: CommonOptions & { readonly project: string }) =>
    run(commonRequest(o), async (context) => (await load()).listDatasets(o.project, context)),
  );
  const create = command('create', 'A dataset, and those that it lies in: cars/2020.').argument('<path>').addOption(project().makeOptionMandatory());
  added(family, create).action((path: string, o: CommonOptions & { readonly project: string }) =>
    run(commonRequest(o), async (context) => (await load()).createDataset(path, o.project, context)),
  );
  const remove = command('remove', 'From the catalog, with those within; never bytes.')
    .argument('<path>')
    .addOption(project().makeOptionMandatory())
    .addOption(yes());
  added(family, remove).action((path: string, o: CommonOptions & { readonly project: string; readonly yes?: true }) =>
    run(commonRequest(o), async (context) => (await load()).removeDataset(path, o.project, o.yes === true, context)),
  );
  const exported = exporting(command('export', 'A links file, or JSON lines, of a dataset.').argument('<path>').addOption(project().makeOptionMandatory()));
  added(family, exported).action((path: string, o: ExportOptions) =>
    run(commonRequest(o), async (context) =>
      (await load()).exportEntities({ dataset: path, format: o.format, ...given({ project: o.project, output: o.output }) }, context),
    ),
  );
  return family;
}

function entities(run: Run): Command {
  const family = command('entities', 'Lists, shows, adds, removes and exports entities.');
  added(family, command('list', 'One a line.').addOption(project()).addOption(dataset())).action((o: PlaceOptions) =>
    run(commonRequest(o), async (context) => (await load()).listEntities(given({ project: o.project, dataset: o.dataset }), context)),
  );
  added(family, command('show', 'An entity, and the history of its places.').argument('<id>')).action((id: string, o: CommonOptions) =>
    run(commonRequest(o), async (context) => (await load()).showEntity(id, context)),
  );
  const adding = command('add', 'Adds entities from JSON lines, as export writes them.')
    .argument('<file>', '- is standard input')
    .addOption(project().makeOptionMandatory())
    .addOption(new Option('--dataset <path>', 'for all (default: as the lines say)'))
    .addOption(new Option('--type <type>', 'make the project of this type').choices(['images', 'videos']));
  added(family, adding).action((file: string, o: CommonOptions & { readonly project: string; readonly dataset?: string; readonly type?: ProjectType }) =>
    run(commonRequest(o), async (context) => (await load()).addEntities({ file, project: o.project, ...given({ dataset: o.dataset, type: o.type }) }, context)),
  );
  added(family, command('remove', 'From the catalog; never bytes.').argument('<id...>').addOption(yes())).action(
    (ids: string[], o: CommonOptions & { readonly yes?: true }) =>
      run(commonRequest(o), async (context) => (await load()).removeEntities(ids, o.yes === true, context)),
  );
  added(family, exporting(command('export', 'A links file, or JSON lines.').addOption(project()).addOption(dataset()))).action((o: ExportOptions) =>
    run(commonRequest(o), async (context) =>
      (await load()).exportEntities({ format: o.format, ...given({ project: o.project, dataset: o.dataset, output: o.output }) }, context),
    ),
  );
  return family;
}

function exporting(made: Command): Command {
  return made
    .addOption(new Option('--format <format>', 'what is written').choices(['links', 'jsonl']).default('links'))
    .addOption(new Option('-o, --output <file>', 'default: standard output'));
}

/** The command with the options that all of its family have, as one of it. */
function added(family: Command, made: Command): Command {
  family.addCommand(withOutput(withCatalog(made), { progress: false }));
  return made;
}
