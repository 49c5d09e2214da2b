import type { NameConflict } from '@stowage/catalog';
import type { LinksFormat, ProjectKind, Verification } from '@stowage/links';
import { atOnce, command, duration, examples, given, size, withOutput, withStorages } from '@stowage/terminal';
import { type Command, Option } from 'commander';
import { type CommonOptions, commonRequest, requestTimeout, type Run, withCatalog } from './common-arguments.ts';

const REQUESTS = 64;

export function importArguments(run: Run): Command {
  const made = command('import', 'Makes entities of the links in files. Nothing is copied; the same again adds nothing.')
    .argument('<file...>', 'links files (txt, csv, tsv; .gz), - is standard input')
    .addOption(new Option('--project <name>', 'project, made where there is none').makeOptionMandatory())
    .addOption(new Option('--dataset <name>', 'one dataset for all (default: one a file)'))
    .addOption(new Option('--by-folder', 'nest datasets as the folders of the keys'))
    .addOption(new Option('--type <type>', 'of a new project (default: images)').choices(['images', 'videos']))
    .addOption(new Option('--format <format>', 'of the files (default: by their names)').choices(['txt', 'csv', 'tsv']))
    .addOption(new Option('--verify <how>', 'what is seen to before').choices(['none', 'head', 'full']).default('head'))
    .addOption(new Option('--on-name-taken <what>', 'in the dataset').choices(['rename', 'skip', 'replace']).default('rename'))
    .addOption(new Option('--store-urls', 'read https links of S3, Azure, Google as theirs'))
    .addOption(new Option('--requests <N>', 'at once to each storage').argParser(atOnce).default(REQUESTS))
    .addOption(requestTimeout())
    .addOption(new Option('--report-dir <folder>', 'what became of each line; the failed ones'))
    .addOption(new Option('-n, --dry-run', 'say what would be done, and change nothing'));
  withOutput(withStorages(withCatalog(made)), { progress: true }).addHelpText(
    'after',
    examples(`
  stowage-links import a.txt b.csv.gz --project Cars
  stowage-links import a.txt --project Cars --report-dir out
  stowage-links import out/failed/a.txt --project Cars`),
  );
  return made.action((files: string[], o: ImportOptions) =>
    run(commonRequest(o), async (context) => {
      const { runImport } = await import('../import-command.ts');
      const { project, dataset, byFolder = false, type, format, verify, onNameTaken, storeUrls = false, requests, timeout, reportDir, dryRun = false } = o;
      return runImport(
        {
          files,
          project,
          datasetsByFolder: byFolder,
          verify,
          onNameTaken,
          storeUrls,
          requests,
          timeoutMs: timeout,
          dryRun,
          ...given({ dataset, type, format, reportDir }),
        },
        context,
      );
    }),
  );
}

interface ImportOptions extends CommonOptions {
  readonly project: string;
  readonly dataset?: string;
  readonly byFolder?: true;
  readonly type?: ProjectKind;
  readonly format?: LinksFormat;
  readonly verify: Verification;
  readonly onNameTaken: NameConflict;
  readonly storeUrls?: true;
  readonly requests: number;
  readonly timeout: number;
  readonly reportDir?: string;
  readonly dryRun?: true;
}

export function checkArguments(run: Run): Command {
  const made = command('check', 'Tells linked objects that are gone, changed, denied or unreachable. Changes nothing.')
    .addOption(new Option('--project <name...>', 'projects (default: all)'))
    .addOption(new Option('--dataset <path>', 'a dataset of the project, and those within'))
    .addOption(new Option('--no-listing', 'ask for each object, list nothing'))
    .addOption(new Option('--requests <N>', 'at once').argParser(atOnce).default(REQUESTS))
    .addOption(requestTimeout())
    .addOption(new Option('--report <file>', 'findings, one JSON object a line'));
  withOutput(withStorages(withCatalog(made)), { progress: true }).addHelpText(
    'after',
    examples(`
  stowage-links check
  stowage-links check --project Cars -q --report gone.jsonl`),
  );
  return made.action((o: CheckOptions) =>
    run(commonRequest(o), async (context) => {
      const { runCheck } = await import('../check-command.ts');
      const { project = [], dataset, listing, requests, timeout, report } = o;
      return runCheck({ projects: project, listing, requests, timeoutMs: timeout, ...given({ dataset, report }) }, context);
    }),
  );
}

interface CheckOptions extends CommonOptions {
  readonly project?: readonly string[];
  readonly dataset?: string;
  readonly listing: boolean;
  readonly requests: number;
  readonly timeout: number;
  readonly report?: string;
}

export function scanArguments(run: Run): Command {
  const made = command('scan', 'Writes a links file of a bucket or a part of it.')
    .argument('<place>', 's3://cars, fs://local-datasets/2020/')
    .addOption(new Option('-o, --output <file>', 'default: standard output'))
    .addOption(new Option('--ext <endings>', 'such as jpg,png').argParser(endings))
    .addOption(new Option('--type <type>', 'endings of images or of videos').choices(['images', 'videos']))
    .addOption(new Option('--min-size <size>', 'such as 10k').argParser(size))
    .addOption(new Option('--max-size <size>', 'such as 2g').argParser(size))
    .addOption(new Option('--newer <age>', 'written within, such as 7d').argParser(duration))
    .addOption(new Option('--older <age>', 'written before, such as 12h').argParser(duration))
    .addOption(requestTimeout());
  withOutput(withStorages(made), { progress: false }).addHelpText(
    'after',
    examples(`
  stowage-links scan s3://cars/ --type images -o cars.txt
  stowage-links scan fs://datasets --ext png --newer 7d`),
  );
  return made.action((place: string, o: ScanOptions) =>
    run(commonRequest(o), async (context) => {
      const { runScan } = await import('../scan-command.ts');
      const { output, ext = [], type, minSize, maxSize, newer, older, timeout } = o;
      return runScan({ place, endings: ext, timeoutMs: timeout, ...given({ output, type, minSize, maxSize, newerThan: newer, olderThan: older }) }, context);
    }),
  );
}

interface ScanOptions extends CommonOptions {
  readonly output?: string;
  readonly ext?: readonly string[];
  readonly type?: ProjectKind;
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly newer?: number;
  readonly older?: number;
  readonly timeout: number;
}

function endings(text: string): string[] {
  return text
    .split(',')
    .map((ending) => ending.trim().replace(/^\./, '').toLowerCase())
    .filter((ending) => ending !== '');
}
