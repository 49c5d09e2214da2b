import { isStorageError, parseDuration, parseSize } from '@stowage/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Detail } from './configuration-files.ts';

export function command(name: string, description: string): Command {
  return new Command(name).description(description).helpOption('-h, --help', 'print this help').helpCommand(false);
}

/** The program itself: `--version`, `--help`, and what its help ends with. */
export function program(name: string, o: { readonly description: string; readonly version: string; readonly epilogue: string }): Command {
  return command(name, o.description).version(o.version, '--version', 'print the version').addHelpText('after', o.epilogue);
}

export function examples(text: string): string {
  return `\nExamples${text}`;
}

/** Options of every command that opens storages by their links. */
export function withStorages(made: Command): Command {
  return made
    .addOption(new Option('--config <file>', 'storages that links name'))
    .addOption(new Option('--dotenv <file>', 'variables (default: ./.env, if there)'));
}

/** Options of every command that does much. `progress`: whether it shows how far it is. */
export function withOutput(made: Command, o: { readonly progress: boolean }): Command {
  made.addOption(new Option('--json', 'one JSON object a line on standard output'));
  if (o.progress) made.addOption(new Option('--no-progress', 'no progress on standard error'));
  return made
    .addOption(new Option('-v, --verbose', 'tell of each one, not of failures alone').conflicts('quiet'))
    .addOption(new Option('-q, --quiet', 'failures alone'));
}

export function detailOf({ verbose, quiet }: { readonly verbose?: true; readonly quiet?: true }): Detail {
  return verbose === true ? 'verbose' : quiet === true ? 'quiet' : 'normal';
}

/** Reads a whole number of these bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,6}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Reads how many may be under way at once. */
export const atOnce: (text: string) => number = wholeNumber(1, 1024);

/** Reads bytes: `10m`. */
export const size: (text: string) => number = reading(parseSize);

/** Reads a duration, `2h`, as milliseconds. */
export const duration: (text: string) => number = reading(parseDuration);

/** What a timer of Node can wait for. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** As {@link duration}, of a time that is to be waited for. */
export function waitingTime(text: string): number {
  const ms = duration(text);
  if (ms >= 1 && ms <= LONGEST_WAIT_MS) return ms;
  throw new InvalidArgumentError('Expected a time from 1ms to 24d.');
}

function reading(parse: (text: string) => number): (text: string) => number {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (isStorageError(error)) throw new InvalidArgumentError(`${error.message.replace(/^e/, 'E')}.`);
      throw error;
    }
  };
}

/** What was given, without what was not: properties that are absent stay so. */
export function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
