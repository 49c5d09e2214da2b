import { type Command, CommanderError } from 'commander';
import { CommandError, USAGE_EXIT } from './command-error.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible-text.ts';

/** The exit code of a failure of which no more is known, in every command of Stowage. */
const FAILED_EXIT = 1;

/** What `runProgram` cannot know of a program's own errors. */
export interface OwnErrors {
  /** Whether an error's message says all that the user needs. Default: of none but `CommandError`. */
  readonly isTold?: (error: unknown) => boolean;
  /** The exit code of an error that is no `CommandError`. Default: 1. */
  readonly exitCodeOf?: (error: unknown) => number;
}

/**
 * Runs one command line to its end and gives the exit code: 2 for one that cannot be read, else what an action gave to `ended`, 0 where
 * none did. Never throws: what failed is told in one line.
 */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  make: (ended: (exitCode: number) => void) => Command,
  { isTold, exitCodeOf = (): number => FAILED_EXIT }: OwnErrors = {},
): Promise<number> {
  let code = 0;
  const program = make((exitCode) => {
    code = exitCode;
  });
  try {
    prepareCommands(program, terminal);
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT;
    terminal.stderr.write(`${program.name()}: ${failureText(error, terminal, isTold)}\n`);
    return error instanceof CommandError ? error.exitCode : exitCodeOf(error);
  }
}

/** Sets how a program and all its commands read their arguments and tell what is wrong with them: one line that begins with the program's name. */
export function prepareCommands(program: Command, terminal: Terminal): void {
  prepare(program, program.name(), terminal);
}

function prepare(command: Command, program: string, terminal: Terminal): void {
  const { stdout, stderr } = terminal;
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .allowExcessArguments(false)
    .configureHelp({ subcommandTerm: (sub) => sub.name(), minWidthToWrap: 20 })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      outputError: (text, out) => out(`${program}: ${oneLine(text)}; try --help\n`),
    });
  for (const sub of command.commands) prepare(sub, program, terminal);
}

/** `error: unknown option '--delte'` and `(Did you mean --delete?)` come as two lines. */
function oneLine(text: string): string {
  return visible(
    text
      .trim()
      .replace(/^error: /, '')
      .replaceAll('\n', ' '),
  ).replace(/\.$/, '');
}

/** What a command that failed says: one line, and the stack only where `STOWAGE_DEBUG` is 1. */
export function failureText(error: unknown, { env }: Terminal, isTold: OwnErrors['isTold'] = () => false): string {
  if (env['STOWAGE_DEBUG'] === '1' && error instanceof Error) return error.stack ?? error.message;
  const message = visible(error instanceof Error ? error.message : String(error));
  if (error instanceof CommandError || isTold(error)) return message;
  return `unexpected failure: ${message}; run again with STOWAGE_DEBUG=1 for details, and please report them`;
}
