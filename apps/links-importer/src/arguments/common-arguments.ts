import { type StorageError, parseDuration, parseSize } from '@stowage/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext, CommonRequest } from '../command-context.ts';

export type RunOptions = CommonRequest;
/** Runs a command with what all commands take. */
export type Run = (options: RunOptions, work: (context: CommandContext) => Promise<number>) => Promise<void>;

/** As commander gives them. */
export interface CommonOptions {
  readonly db?: string;
  readonly dbEnv?: string;
  readonly lockTimeout?: number;
  readonly config?: string;
  readonly dotenv?: string;
  readonly json?: true;
  readonly progress?: boolean;
  readonly verbose?: true;
  readonly quiet?: true;
}

export function command(name: string, description: string): Command {
  return new Command(name).description(description).helpOption('-h, --help', 'print this help');
}

/** Options of every command that opens a catalog. */
export function withCatalog(made: Command): Command {
  return made
    .addOption(new Option('--db <place>', 'catalog: a file, or postgres://…').conflicts('dbEnv'))
    .addOption(new Option('--db-env <name>', 'the variable that holds the place'))
    .addOption(new Option('--lock-timeout <time>', 'wait for other writers (default: 30s)').argParser(duration));
}

/** Options of every command that opens storages. */
export function withStorages(made: Command): Command {
  return made
    .addOption(new Option('--config <file>', 'storages that links name'))
    .addOption(new Option('--dotenv <file>', 'variables of the main storage (default: .env)'));
}

/** Options of every command. */
export function withOutput(made: Command, o: { readonly progress: boolean }): Command {
  made.addOption(new Option('--json', 'one JSON object a line on standard output'));
  if (o.progress) made.addOption(new Option('--no-progress', 'no progress on standard error'));
  return made.addOption(new Option('-v, --verbose', 'a line for each').conflicts('quiet')).addOption(new Option('-q, --quiet', 'failures alone'));
}

export function commonRequest({ db, dbEnv, lockTimeout, config, dotenv, json, progress, verbose, quiet }: CommonOptions): CommonRequest {
  return {
    ...(db === undefined ? {} : { db }),
    ...(dbEnv === undefined ? {} : { dbEnv }),
    ...(lockTimeout === undefined ? {} : { lockTimeoutMs: lockTimeout }),
    ...(config === undefined ? {} : { config }),
    ...(dotenv === undefined ? {} : { dotenv }),
    json: json === true,
    progress: progress !== false,
    detail: verbose === true ? 'verbose' : quiet === true ? 'quiet' : 'normal',
  };
}

export function examples(text: string): string {
  return `\nExamples${text}`;
}

const MOST_AT_ONCE = 1024;

export function atOnce(text: string): number {
  const count = Number(text);
  if (/^\d{1,4}$/.test(text) && count >= 1 && count <= MOST_AT_ONCE) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_AT_ONCE}.`);
}

export function size(text: string): number {
  return read(text, parseSize);
}

/** Milliseconds. */
export function duration(text: string): number {
  return read(text, parseDuration);
}

function read(text: string, parse: (text: string) => number): number {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as StorageError).message);
  }
}

/** What was given, without what was not: properties that are absent stay so. */
export function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
