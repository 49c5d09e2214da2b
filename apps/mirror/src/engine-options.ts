import { duration, size, waitingTime, wholeNumber } from '@stowage/terminal';
import { type Command, Option } from 'commander';

/** A filter of the command line; their order counts, also between different options. */
interface FilterOption {
  readonly kind: 'include' | 'exclude' | 'filter-from';
  readonly value: string;
}

/** What the command line says of keys, objects and pace. */
export interface EngineRequest {
  readonly filters: readonly FilterOption[];
  readonly filesFrom?: string;
  readonly minSize?: number;
  readonly maxSize?: number;
  /** Milliseconds. */
  readonly minAge?: number;
  readonly maxAge?: number;
  readonly existing: 'update' | 'update-older' | 'keep' | 'immutable';
  readonly deleteExcluded: boolean;
  readonly trash?: string;
  readonly yes: boolean;
  readonly bwlimit?: string;
  /** Milliseconds. */
  readonly maxDuration?: number;
  /** Bytes. */
  readonly maxTransfer?: number;
  readonly retries?: number;
  readonly journal: boolean;
  readonly reportDir?: string;
  readonly metricsPort?: number;
}

/** As commander gives them. */
export interface EngineOptions {
  readonly include?: readonly OrderedValue[];
  readonly exclude?: readonly OrderedValue[];
  readonly filterFrom?: readonly OrderedValue[];
  readonly filesFrom?: string;
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly minAge?: number;
  readonly maxAge?: number;
  readonly update?: true;
  readonly ignoreExisting?: true;
  readonly immutable?: true;
  readonly deleteExcluded?: true;
  readonly trash?: string;
  readonly yes?: true;
  readonly bwlimit?: string;
  readonly maxDuration?: number;
  readonly maxTransfer?: number;
  readonly retries?: number;
  readonly journal?: boolean;
  readonly reportDir?: string;
  readonly metricsPort?: number;
}

interface OrderedValue {
  readonly at: number;
  readonly value: string;
}

/** Which keys and objects a command is about. */
export function selecting(command: Command): void {
  // One count for all of them: the first that matches decides, whichever option it came by.
  let count = 0;
  const collect = (value: string, before: readonly OrderedValue[] = []): readonly OrderedValue[] => [...before, { at: count++, value }];
  command
    .addOption(new Option('--include <glob>', 'take keys that match; the first filter that matches decides').argParser(collect))
    .addOption(new Option('--exclude <glob>', 'leave keys that match alone, on both sides').argParser(collect))
    .addOption(new Option('--filter-from <file>', 'filters, a line each: "+ glob" or "- glob"').argParser(collect))
    .addOption(new Option('--files-from <file>', 'these keys alone, a line each or before each NUL'))
    .addOption(new Option('--min-size <size>', 'source objects of at least: 10k, 5m, 1g').argParser(size))
    .addOption(new Option('--max-size <size>', 'source objects of at most').argParser(size))
    .addOption(new Option('--min-age <age>', 'source objects written longer ago: 90s, 12h, 7d').argParser(duration))
    .addOption(new Option('--max-age <age>', 'source objects written since').argParser(duration));
}

/** What becomes of objects that both sides have. */
export function keeping(command: Command): void {
  command
    .addOption(new Option('-u, --update', 'leave what is younger at the destination').conflicts(['ignoreExisting', 'immutable']))
    .addOption(new Option('--ignore-existing', 'leave all that the destination has').conflicts('immutable'))
    .addOption(new Option('--immutable', 'a difference is a conflict, nothing is changed'));
}

/** What goes with `--delete`. */
export function cleaning(command: Command): void {
  command
    .addOption(new Option('--delete-excluded', 'with --delete: also what filters leave out'))
    .addOption(new Option('--trash <folder>', 'put what is deleted or overwritten there, at the destination'))
    .addOption(new Option('-y, --yes', 'delete more than the limit without a question'));
}

/** How a run that copies goes about it, and what it leaves for later. */
export function pacing(command: Command): void {
  command
    .addOption(new Option('--bwlimit <rate>', 'bytes a second: 10M, or "08:00,512k 19:00,off"'))
    .addOption(new Option('--max-duration <time>', 'begin nothing more after: 90m, 8h').argParser(waitingTime))
    .addOption(new Option('--max-transfer <size>', 'begin nothing more after so many bytes: 500g').argParser(size))
    .addOption(new Option('--retries <N>', 'more attempts at a copy (default: 3)').argParser(wholeNumber(0, 100)))
    .addOption(new Option('--no-journal', 'keep nothing for later runs: no resume, no lock'));
}

/** Where else a run is told of. */
export function reporting(command: Command): void {
  command
    .addOption(new Option('--report-dir <folder>', 'a file of JSON lines for each kind of outcome'))
    .addOption(new Option('--metrics-port <port>', 'Prometheus metrics on 127.0.0.1 while it runs').argParser(wholeNumber(0, 65_535)));
}

export function engineRequest(o: EngineOptions): EngineRequest {
  const filters = (['include', 'exclude', 'filter-from'] as const).flatMap((kind) =>
    (o[kind === 'filter-from' ? 'filterFrom' : kind] ?? []).map(({ at, value }) => ({ at, filter: { kind, value } })),
  );
  return {
    filters: filters.toSorted((a, b) => a.at - b.at).map(({ filter }) => filter),
    ...(o.filesFrom === undefined ? {} : { filesFrom: o.filesFrom }),
    ...(o.minSize === undefined ? {} : { minSize: o.minSize }),
    ...(o.maxSize === undefined ? {} : { maxSize: o.maxSize }),
    ...(o.minAge === undefined ? {} : { minAge: o.minAge }),
    ...(o.maxAge === undefined ? {} : { maxAge: o.maxAge }),
    existing: o.update === true ? 'update-older' : o.ignoreExisting === true ? 'keep' : o.immutable === true ? 'immutable' : 'update',
    deleteExcluded: o.deleteExcluded === true,
    ...(o.trash === undefined ? {} : { trash: o.trash }),
    yes: o.yes === true,
    ...(o.bwlimit === undefined ? {} : { bwlimit: o.bwlimit }),
    ...(o.maxDuration === undefined ? {} : { maxDuration: o.maxDuration }),
    ...(o.maxTransfer === undefined ? {} : { maxTransfer: o.maxTransfer }),
    ...(o.retries === undefined ? {} : { retries: o.retries }),
    journal: o.journal !== false,
    ...(o.reportDir === undefined ? {} : { reportDir: o.reportDir }),
    ...(o.metricsPort === undefined ? {} : { metricsPort: o.metricsPort }),
  };
}
