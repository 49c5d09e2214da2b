import { atOnce, command as newCommand, detailOf, examples, given, program, runProgram, type Terminal, withOutput, withStorages } from '@stowage/terminal';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { certificatesCommand } from './certificates-command.ts';
import { cleaning, type EngineOptions, engineRequest, keeping, pacing, reporting, selecting } from './engine-options.ts';
import type { DoctorRequest, MirrorRequest } from './mirror-request.ts';
import type { LocalMoveRequest } from './local-move.ts';
import type { RunsRequest } from './past-runs-table.ts';
import { VERSION } from './version.ts';

/** Runs one command line to its end and gives the exit code. Never throws. */
export function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  return runProgram(argv, terminal, (ended) =>
    // Loaded where they are needed, so that help and usage errors come at once.
    stowageMirror({
      mirror: async (request) => ended(await (await import('./run-mirror.ts')).runMirror(request, terminal)),
      doctor: async (request) => ended(await (await import('./doctor.ts')).runDoctor(request, terminal)),
      local: async (request) => ended(await (await import('./local-move.ts')).moveFromLocal(request, terminal)),
      past: async (request) => ended(await (await import('./past-runs-table.ts')).tellPastRuns(request, terminal)),
      certificates: async (request) => ended(await (await import('./certificates.ts')).runCertificates(request, terminal)),
    }),
  );
}

type Run = (request: MirrorRequest) => Promise<void>;

interface Runs {
  readonly mirror: Run;
  readonly doctor: (request: DoctorRequest) => Promise<void>;
  readonly local: (request: LocalMoveRequest) => Promise<void>;
  readonly past: (request: RunsRequest) => Promise<void>;
  readonly certificates: Parameters<typeof certificatesCommand>[0];
}

/** The program; its actions call these. */
export function stowageMirror({ mirror, doctor: examine, local, past, certificates }: Runs): Command {
  const cli = program('stowage-mirror', { description: 'Mirrors folders and buckets, exactly and safely.', version: VERSION, epilogue: PLACES });
  const commands = [
    ...[sync, copy, check, plan].map((make) => make(mirror)),
    moveLocal(local),
    doctor(examine),
    ...[listRuns, showRun].map((make) => make(past)),
    certificatesCommand(certificates),
  ];
  for (const one of commands) cli.addCommand(one);
  return cli;
}

const PLACES = `
A place is
  a path           photos, /data/photos, photo.jpg
  a link prefix    s3://cars/2020/  azure://boats
                   google://x  fs://local-datasets/2020/
Storages that links name, with their credentials, are in the
file of --config, else of STOWAGE_CONFIG, else in
./remote_links.yml, else in /remote_links.yml. A bucket that
none of them has is one of the main storage: of
STORAGE_PROVIDER and what belongs to it. Variables come from
the environment, then from the file of --dotenv, else from
./.env.
Each kind of store is a package beside this one:
@stowage/minio (all of S3), @stowage/azure, @stowage/google.

Exit codes
  0 in sync                 1 some failed or conflicted
  2 wrong usage             3 source missing, unreadable
  4 destination missing, or denied all
  5 a guard tripped, nothing was deleted
  6 check found differences
  8 --max-duration, --max-transfer reached; run again
  9 plan --exit-code: something would be done
  75 another run is at work on the same two places
  130, 143 interrupted; run again to go on

Examples
  stowage-mirror sync photos /backup/photos --delete
  stowage-mirror plan photos /backup/photos --delete
  stowage-mirror check photos /backup/photos --checksum`;

function sync(run: Run): Command {
  const command = places('sync', 'Makes the destination equal to the source. What only the destination has is kept, unless --delete.')
    .addOption(new Option('-n, --dry-run', 'say what would be done, and do nothing'))
    .addHelpText(
      'after',
      examples(`
  stowage-mirror sync photos /backup/photos
  stowage-mirror sync photos /backup/photos --delete
  stowage-mirror sync photos fs://archive/photos/ -c`),
    );
  deleting(command);
  cleaning(command);
  comparing(command);
  keeping(command);
  selecting(command);
  writing(command);
  pacing(command);
  withOutput(withStorages(command), { progress: true });
  reporting(command);
  return command.action((source: string, destination: string, o: CommandOptions) => run(readRequest('sync', source, destination, o)));
}

function copy(run: Run): Command {
  const command = places('copy', 'Copies what the destination lacks or has otherwise. Never deletes.')
    .addOption(new Option('-n, --dry-run', 'say what would be done, and do nothing'))
    .addHelpText(
      'after',
      examples(`
  stowage-mirror copy photos /backup/photos
  stowage-mirror copy photo.jpg fs://archive/photos/`),
    );
  comparing(command);
  keeping(command);
  selecting(command);
  writing(command);
  pacing(command);
  withOutput(withStorages(command), { progress: true });
  reporting(command);
  return command.action((source: string, destination: string, o: CommandOptions) => run(readRequest('copy', source, destination, o)));
}

function check(run: Run): Command {
  const command = places('check', 'Compares, and changes nothing. Exits with 6 where the two differ.').addHelpText(
    'after',
    examples(`
  stowage-mirror check photos /backup/photos
  stowage-mirror check photos /backup/photos --checksum`),
  );
  comparing(command);
  command.addOption(new Option('--download', 'read every byte of both, whatever listings say').conflicts(['sizeOnly', 'checksum']));
  selecting(command);
  withOutput(withStorages(command), { progress: true });
  reporting(command);
  return command.action((source: string, destination: string, o: CommandOptions) => run(readRequest('check', source, destination, o)));
}

function plan(run: Run): Command {
  const command = places('plan', 'Prints what "sync" would do, a line for each key, and does nothing.')
    .addOption(new Option('--exit-code', 'exit with 9 where something would be done'))
    .addHelpText(
      'after',
      examples(`
  stowage-mirror plan photos /backup/photos --delete
  stowage-mirror plan photos /backup/photos --exit-code`),
    );
  deleting(command);
  cleaning(command);
  comparing(command);
  keeping(command);
  selecting(command);
  withOutput(withStorages(command), { progress: true });
  reporting(command);
  return command.action((source: string, destination: string, o: CommandOptions) => run(readRequest('plan', source, destination, o)));
}

function doctor(run: Runs['doctor']): Command {
  const command = newCommand(
    'doctor',
    'Says what the configured credentials may do with buckets, and what to ask for where that is not enough. Changes nothing.',
  )
    .argument('<links...>', 'links of buckets: s3://cars')
    .addOption(new Option('--json', 'one event a line on standard output'))
    .addHelpText(
      'after',
      `
Exits with 0 where nothing that is needed is missing,
else with 4.
${examples(`
  stowage-mirror doctor s3://cars
  stowage-mirror doctor azure://boats google://planes --json`)}`,
    );
  withStorages(command);
  command.addOption(new Option('-q, --quiet', 'no warnings of the configuration'));
  return command.action((links: readonly string[], o: CommandOptions) =>
    run({ links, json: o.json === true, detail: o.quiet === true ? 'quiet' : 'normal', ...given({ config: o.config, dotenv: o.dotenv }) }),
  );
}

function moveLocal(local: Runs['local']): Command {
  const command = newCommand(
    'local',
    'Moves an application from its local disk to the configured main storage: copies <prefix>-public and <prefix>-private of DATA_PATH/storage into the buckets of these names, compares, and says which variables to change. The disk stays as it is.',
  )
    .addOption(new Option('--prefix <name>', 'which, where there are several applications'))
    .addOption(new Option('--create-buckets', 'make the buckets that are missing, closed to the public'))
    .addOption(new Option('-n, --dry-run', 'say what would be done, and do nothing'))
    .addHelpText(
      'after',
      `
Both buckets should be private: "public" names a kind of
data. A bucket that is there is never changed.
${examples(`
  stowage-mirror local --dotenv new.env --dry-run
  stowage-mirror local --dotenv new.env --create-buckets
  stowage-mirror local --dotenv new.env --checksum`)}`,
    );
  comparing(command);
  pacing(command);
  withOutput(withStorages(command), { progress: true });
  return command.action((o: CommandOptions & { readonly prefix?: string; readonly createBuckets?: true }) => {
    const { command: _, source: _source, destination: _destination, delete: _delete, ...request } = readRequest('copy', '', '', o);
    return local({ ...request, createBuckets: o.createBuckets === true, ...(o.prefix === undefined ? {} : { prefix: o.prefix }) });
  });
}

function listRuns(past: Runs['past']): Command {
  return newCommand('runs', 'Lists past runs of sync and copy.')
    .addOption(new Option('--json', 'a run a line'))
    .action((o: { readonly json?: true }) => past({ json: o.json === true }));
}

function showRun(past: Runs['past']): Command {
  return newCommand('show', 'Tells what a past run came to.')
    .argument('<run>', 'as "runs" names it')
    .addOption(new Option('--json', 'as JSON'))
    .action((run: string, o: { readonly json?: true }) => past({ run, json: o.json === true }));
}

function places(name: string, description: string): Command {
  return newCommand(name, description).argument('<source>', 'folder, file or link prefix').argument('<destination>', 'folder or link prefix');
}

function deleting(command: Command): void {
  command
    .addOption(new Option('--delete', 'delete what the source lacks, at the end and if nothing failed'))
    .addOption(new Option('--remove', 'the same as --delete').hideHelp())
    .addOption(new Option('--max-delete <N|P%>', 'delete nothing rather than more (default: over 100 and over 25%)').argParser(deleteLimit));
}

function comparing(command: Command): void {
  command
    .addOption(new Option('--size-only', 'compare sizes, not times').conflicts('checksum'))
    .addOption(new Option('-c, --checksum', 'compare content, not times'))
    .addOption(new Option('--symlinks <how>', 'whether links to files in the tree count as files (default: files)').choices(['files', 'skip']))
    .addOption(new Option('--transfers <N>', 'copies in flight').argParser(atOnce));
}

function writing(command: Command): void {
  command.addOption(new Option('--no-fsync', 'do not wait for the disk: faster, unsafe at power loss'));
}

/** As commander gives them. */
interface CommandOptions extends EngineOptions {
  readonly download?: true;
  readonly delete?: true;
  readonly remove?: true;
  readonly maxDelete?: string;
  readonly dryRun?: true;
  readonly sizeOnly?: true;
  readonly checksum?: true;
  readonly symlinks?: 'files' | 'skip';
  readonly transfers?: number;
  readonly fsync?: boolean;
  readonly config?: string;
  readonly dotenv?: string;
  readonly json?: true;
  readonly progress: boolean;
  readonly verbose?: true;
  readonly quiet?: true;
  readonly exitCode?: true;
}

function readRequest(command: MirrorRequest['command'], source: string, destination: string, o: CommandOptions): MirrorRequest {
  return {
    command,
    source,
    destination,
    delete: o.delete === true || o.remove === true,
    ...(o.maxDelete === undefined ? {} : { maxDelete: o.maxDelete }),
    dryRun: o.dryRun === true,
    comparison: o.download === true ? 'bytes' : o.checksum === true ? 'content' : o.sizeOnly === true ? 'size' : 'auto',
    ...(o.symlinks === undefined ? {} : { symlinks: o.symlinks }),
    ...(o.transfers === undefined ? {} : { transfers: o.transfers }),
    fsync: o.fsync !== false,
    ...given({ config: o.config, dotenv: o.dotenv }),
    json: o.json === true,
    progress: o.progress,
    detail: detailOf(o),
    exitCode: o.exitCode === true,
    engine: engineRequest(o),
  };
}

function deleteLimit(text: string): string {
  if (/^\d{1,15}$/.test(text) || (/^\d{1,3}(\.\d+)?%$/.test(text) && Number.parseFloat(text) <= 100)) return text;
  throw new InvalidArgumentError('Expected a number of objects such as 100, or percent of the destination such as 25%.');
}
