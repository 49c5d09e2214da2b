import { isCatalogError } from '@stowage/catalog';
import { isStorageError } from '@stowage/core';
import { CommandError, program, runProgram } from '@stowage/terminal';
import type { Command } from 'commander';
import { catalogArguments } from './arguments/catalog-arguments.ts';
import { type Run, type RunOptions } from './arguments/common-arguments.ts';
import { checkArguments, importArguments, scanArguments } from './arguments/links-arguments.ts';
import { migrateArguments, setRemoteArguments, unlinkArguments } from './arguments/remote-arguments.ts';
import { CommandContext, type LinksTerminal } from './command-context.ts';
import { EXIT } from './exit-code.ts';
import { VERSION } from './version.ts';

/** Runs one command line to its end and gives the exit code. Never throws. */
export function runCli(argv: readonly string[], terminal: LinksTerminal): Promise<number> {
  const make = (ended: (code: number) => void): Command => stowageLinks(async (options, work) => ended(await runCommand(options, work, terminal)));
  return runProgram(argv, terminal, make, { isTold: isToldPlainly, exitCodeOf });
}

async function runCommand(options: RunOptions, work: (context: CommandContext) => Promise<number>, terminal: LinksTerminal): Promise<number> {
  await using context = new CommandContext(options, terminal);
  try {
    return await work(context);
  } catch (thrown) {
    const error = fileFault(thrown) ?? thrown;
    await context.emit({ event: 'error', time: context.time(), exitCode: exitCodeOf(error), message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** A report, an output or a folder that was named, where it cannot be written: no fault of this program. */
function fileFault(error: unknown): CommandError | undefined {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined || typeof path !== 'string') return undefined;
  // Outputs have another name until they are whole.
  const named = JSON.stringify(path.replace(/\.[\da-f-]{36}\.partial$/, ''));
  return new CommandError(`${named} cannot be used: ${syscall} gives ${code}; see that its folder is there and may be written`, EXIT.failed, error);
}

function isToldPlainly(error: unknown): boolean {
  return isCatalogError(error) || isStorageError(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (isCatalogError(error)) return USAGE.has(error.code) ? EXIT.usage : EXIT.target;
  if (isStorageError(error)) return USAGE.has(error.code) ? EXIT.usage : EXIT.failed;
  return EXIT.failed;
}

/** What only another command line can mend. */
const USAGE: ReadonlySet<string> = new Set(['InvalidArgument', 'InvalidLink', 'Config', 'NotFound', 'AlreadyExists']);

/** The program; its actions are run by `run`. */
export function stowageLinks(run: Run): Command {
  const description =
    'Links files in, a catalog out: projects of images or videos that lie where they are. No byte is copied but by "migrate", none is ever deleted.';
  const cli = program('stowage-links', { description, version: VERSION, epilogue: EPILOGUE });
  const commands = [importArguments, checkArguments, scanArguments, migrateArguments, setRemoteArguments, unlinkArguments].map((make) => make(run));
  for (const command of [...commands, ...catalogArguments(run)]) cli.addCommand(command);
  return cli;
}

const EPILOGUE = `
The catalog is a file of SQLite or a database of PostgreSQL:
--db, else the place in the variable of --db-env, else
STOWAGE_DB, else ./stowage-catalog.sqlite. Leave a password
out of the URL: PGPASSWORD has it.
Links need a configuration: --config FILE, else the one of
STOWAGE_CONFIG, ./remote_links.yml or /remote_links.yml; the
main storage is in .env.

Exit codes
  0 done                    1 some lines or links failed
  2 wrong usage             3 what is to be read is missing
  4 catalog cannot be used  6 check: objects gone, changed
  130, 143 interrupted; run again to go on

Examples
  stowage-links scan s3://cars/2020/ -o cars.txt
  stowage-links import cars.txt --project Cars
  stowage-links check --project Cars
  stowage-links migrate Cars --to s3://archive --dry-run`;
