import { detailOf, duration, given, waitingTime } from '@stowage/terminal';
import { type Command, Option } from 'commander';
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

/** Options of every command that opens a catalog. */
export function withCatalog(made: Command): Command {
  return made
    .addOption(new Option('--db <place>', 'catalog: a file, or postgres://…').conflicts('dbEnv'))
    .addOption(new Option('--db-env <name>', 'the variable that holds the place'))
    .addOption(new Option('--lock-timeout <time>', 'wait for other writers (default: 30s)').argParser(duration));
}

/** Long for an answer, short for a night: four attempts end within four minutes. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The time of commands that only read. */
export function requestTimeout(): Option {
  return new Option('--timeout <time>', 'for a request').argParser(waitingTime).default(REQUEST_TIMEOUT_MS, '60s');
}

/** The time of commands that write: nobody can say for all how long a part of an upload may take, or a copy within the store. */
export function writeTimeout(): Option {
  return new Option('--timeout <time>', 'for a request or part (default: no limit)').argParser(waitingTime);
}

export function commonRequest({ db, dbEnv, lockTimeout, config, dotenv, json, progress, verbose, quiet }: CommonOptions): CommonRequest {
  return {
    ...given({ db, dbEnv, lockTimeoutMs: lockTimeout, config, dotenv }),
    json: json === true,
    progress: progress !== false,
    detail: detailOf({ ...given({ verbose, quiet }) }),
  };
}
