import type { MigrateLayout } from '@stowage/links';
import { atOnce, command, examples, given, size, withOutput, withStorages } from '@stowage/terminal';
import { type Command, Option } from 'commander';
import { type CommonOptions, commonRequest, requestTimeout, type Run, withCatalog, writeTimeout } from './common-arguments.ts';

const TRANSFERS = 16;

export function migrateArguments(run: Run): Command {
  const made = command('migrate', 'Copies what projects keep to a bucket, verifies it there, and links it: all of a project, or nothing. Deletes nothing.')
    .argument('<project...>', 'names, or ids as #12')
    .addOption(new Option('--to <place>', 'bucket and directory: s3://bucket/dir').makeOptionMandatory())
    .addOption(new Option('--from <folder>', 'what links into it (default: what has no link)'))
    .addOption(new Option('--layout <layout>', 'folders of nested datasets').choices(['flat', 'nested']).default('flat'))
    .addOption(new Option('--entities-map <file>', 'which entities, and where to: JSON by id'))
    .addOption(new Option('--link-verified', 'link what was verified, leave the rest local'))
    .addOption(new Option('--clear-local', 'clear the local places of what is linked'))
    .addOption(new Option('--replace', 'write over what lies at a target'))
    .addOption(new Option('--transfers <N>', 'at once').argParser(atOnce).default(TRANSFERS))
    .addOption(new Option('--part-size <size>', 'of large files (default: 8m)').argParser(size))
    .addOption(writeTimeout())
    .addOption(new Option('-n, --dry-run', 'say what would be done, and change nothing'));
  withOutput(withStorages(withCatalog(made)), { progress: true }).addHelpText(
    'after',
    examples(`
  stowage-links migrate Cars --to s3://archive --dry-run
  stowage-links migrate Cars Boats --to s3://archive/moved
  stowage-links migrate Cars --from fs://pics --to s3://new`),
  );
  return made.action((projects: string[], o: MigrateCommandOptions) =>
    run(commonRequest(o), async (context) => {
      const { runMigrate } = await import('../migrate-command.ts');
      const { to, from, layout, entitiesMap, linkVerified = false, clearLocal = false, replace = false, transfers, partSize, timeout, dryRun = false } = o;
      return runMigrate(
        { projects, to, layout, linkVerified, clearLocal, replace, transfers, dryRun, ...given({ from, entitiesMap, partSize, timeoutMs: timeout }) },
        context,
      );
    }),
  );
}

interface MigrateCommandOptions extends CommonOptions {
  readonly to: string;
  readonly from?: string;
  readonly layout: MigrateLayout;
  readonly entitiesMap?: string;
  readonly linkVerified?: true;
  readonly clearLocal?: true;
  readonly replace?: true;
  readonly transfers: number;
  readonly partSize?: number;
  readonly timeout?: number;
  readonly dryRun?: true;
}

export function setRemoteArguments(run: Run): Command {
  const made = command('set-remote', 'Sets the links of entities by id, and keeps in their history what was before.')
    .addOption(new Option('--map <file>', 'JSON {"12": "s3://…"}, or lines 12;s3://…').makeOptionMandatory())
    .addOption(new Option('--clear-local', 'clear their local places; bytes stay'));
  withOutput(withCatalog(made), { progress: false });
  return made.action((o: CommonOptions & { readonly map: string; readonly clearLocal?: true }) =>
    run(commonRequest(o), async (context) => {
      const { runSetRemote } = await import('../remote-commands.ts');
      return runSetRemote({ map: o.map, clearLocal: o.clearLocal === true }, context);
    }),
  );
}

export function unlinkArguments(run: Run): Command {
  const made = command('unlink', 'Takes links away and goes back to local places whose bytes are still there.')
    .argument('[id...]', 'ids of entities')
    .addOption(new Option('--project <name>', 'all of a project'))
    .addOption(new Option('--dataset <path>', 'a dataset of the project, and those within'))
    .addOption(requestTimeout())
    .addOption(new Option('-n, --dry-run', 'say what would be done, and change nothing'));
  withOutput(withStorages(withCatalog(made)), { progress: false });
  return made.action((ids: string[], o: UnlinkCommandOptions) =>
    run(commonRequest(o), async (context) => {
      const { runUnlink } = await import('../remote-commands.ts');
      const { project, dataset, timeout, dryRun = false } = o;
      return runUnlink({ ids, timeoutMs: timeout, dryRun, ...given({ project, dataset }) }, context);
    }),
  );
}

interface UnlinkCommandOptions extends CommonOptions {
  readonly project?: string;
  readonly dataset?: string;
  readonly timeout: number;
  readonly dryRun?: true;
}
