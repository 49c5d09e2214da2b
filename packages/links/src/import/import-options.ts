import type { Catalog, NameConflict, Project } from '@stowage/catalog';
import type { LinkSchemes, Storages } from '@stowage/core';
import type { LinksFormat } from '../links-file/links-format.ts';
import type { ProjectKind } from '../media-type.ts';
import type { ImportReportFiles } from './import-report-files.ts';
import type { LineOutcome, LineTally } from './line-outcome.ts';
import type { Verification } from './verify-link.ts';

/** One links file, or standard input. */
export interface LinksSource {
  /** As people named it: for messages and reports. */
  readonly name: string;
  /** The dataset of its entities, unless the import names one for all: see `readFileName`. */
  readonly dataset: string;
  readonly format: LinksFormat;
  /** Whether its name says that it is gzip; gzip is known by its content in any case. */
  readonly gzip: boolean;
  /** What makes it the same source in a later run: path, size and time of change. Absent: it is read from its beginning every time. */
  readonly identity?: string;
  /** Its bytes; called once, when its turn comes. */
  open(): AsyncIterable<Uint8Array>;
}

export interface ImportOptions {
  readonly catalog: Catalog;
  /** Name of the project, made where there is none. */
  readonly project: string;
  /** Default: the type of the project that is there, else `images`. */
  readonly type?: ProjectKind;
  readonly sources: readonly LinksSource[];
  /** One dataset for all sources. Default: one for each source. */
  readonly dataset?: string;
  /** Put each entity into datasets nested as the folders of its key. Default false. */
  readonly datasetsByFolder?: boolean;
  /** Buckets of links. Absent: `verification` must be `none`, and buckets are not looked for. Its layers bound the requests at once. */
  readonly storages?: Storages;
  /** Default `head`. */
  readonly verification?: Verification;
  /** Default `rename`. */
  readonly onNameTaken?: NameConflict;
  /** As in `tryParseLink`. */
  readonly schemes?: LinkSchemes;
  /** As in `tryParseLink`. Default false. */
  readonly rewriteStoreUrls?: boolean;
  /** An empty catalog for a dry run: what the import would come to is tried there, and `catalog` is only read. */
  readonly scratch?: Catalog;
  /** Where every line's outcome is written. */
  readonly reportFiles?: ImportReportFiles;
  readonly observer?: ImportObserver;
  /** Ends the import at once; what was committed stays. */
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

export interface ImportObserver {
  /** Told of lines in their order, when what they came to is committed. */
  outcomes?(outcomes: readonly LineOutcome[]): void | Promise<void>;
  /** Told of a file that cannot be read, or not to its end, in one line. */
  fault?(message: string): void | Promise<void>;
  /** Told what is no failure and worth a look, in one line. */
  notice?(message: string): void | Promise<void>;
}

/** What an import came to. */
export interface ImportReport {
  /** Of a dry run that would make its project: absent. */
  readonly project?: Project;
  readonly tally: LineTally;
  /** Of the tally, what an earlier, interrupted run of the same import had done. Absent where there was none. */
  readonly resumed?: LineTally;
  /** Files that could not be read, or not to their end: one line each. */
  readonly faults: readonly string[];
  /** Whether every row has its outcome. */
  readonly balanced: boolean;
  /** Ended by `stop` before its end: run it again to go on. */
  readonly stopped: boolean;
  readonly elapsedMs: number;
}

export interface ImportProgress extends LineTally {
  /** Rows whose links are being seen to. */
  readonly underWay: number;
  readonly elapsedMs: number;
}

/** An import under way. */
export interface ImportJob {
  /** Rejects where catalog or files fail: what was committed stays, and the same import again goes on. */
  readonly report: Promise<ImportReport>;
  progress(): ImportProgress;
  /** Finishes what is under way and ends. */
  stop(): void;
}
