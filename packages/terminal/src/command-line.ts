import type { Command } from 'commander';
import { CommandError } from './command-error.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible-text.ts';

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

/**
 * What a command that failed says: one line, and the stack only where `STOWAGE_DEBUG` is 1. `isTold`: errors beside `CommandError` whose
 * message says all that the user needs.
 */
export function failureText(error: unknown, { env }: Terminal, isTold: (error: unknown) => boolean = () => false): string {
  if (env['STOWAGE_DEBUG'] === '1' && error instanceof Error) return error.stack ?? error.message;
  const message = visible(error instanceof Error ? error.message : String(error));
  if (error instanceof CommandError || isTold(error)) return message;
  return `unexpected failure: ${message}; run again with STOWAGE_DEBUG=1 for details, and please report them`;
}
