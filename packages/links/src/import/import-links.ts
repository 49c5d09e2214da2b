import { createHash } from 'node:crypto';
import type { ImportRun, ImportSource, Json } from '@stowage/catalog';
import { formatLink, StorageError } from '@stowage/core';
import { mapAhead } from '../ahead.ts';
import { entityFolders, entityName } from '../entity-name.ts';
import { LinkedBuckets } from '../linked-buckets.ts';
import type { LinkRow, LinksRow } from '../links-file/read-links.ts';
import type { ImportJob, ImportOptions, ImportReport, LinksSource } from './import-options.ts';
import type { ReportLengths } from './import-report-files.ts';
import { catalogTarget, dryRunTarget, type ImportTarget, type NewItem, type TargetOutcome } from './import-target.ts';
import { LineCounter, type LineOutcome, type LineTally } from './line-outcome.ts';
import { type RowBatch, rowBatches } from './row-batches.ts';
import { LinkVerifier, type Verified } from './verify-link.ts';

/** Rows in one transaction where nothing is asked of a storage: where catalogs are fastest. */
const ROWS_UNVERIFIED = 5000;
/** Rows in one transaction where their links are seen to. */
const ROWS_VERIFIED = 1000;
/** Batches whose links are seen to at once, so that one slow answer does not hold up the requests behind it. */
const BATCHES_AHEAD = 6;

/**
 * Imports links files into a project: entities that link to objects, no byte of which is copied. Every row ends in exactly one
 * outcome; the same import again adds nothing; one that was killed goes on behind what it committed.
 */
export function importLinks(o: ImportOptions): ImportJob {
  const run = new LinksImport(o);
  return { report: run.report(), progress: () => run.progress(), stop: () => run.stop() };
}

/** A row whose link was seen to. */
interface SeenRow {
  readonly row: LinksRow;
  readonly seen: { readonly kind: 'present' | 'good'; readonly item: NewItem } | { readonly kind: 'failed'; readonly outcome: LineOutcome };
}

interface SeenBatch {
  readonly batch: RowBatch;
  readonly rows: readonly SeenRow[];
}

/** What is kept of a source with each step. */
interface SourceState {
  readonly tally: LineTally;
  readonly report: ReportLengths | null;
}

class LinksImport {
  readonly #o: ImportOptions;
  readonly #counter = new LineCounter();
  readonly #faults: string[] = [];
  readonly #started: number;
  #rowsRead = 0;
  #underWay = 0;
  #stopped = false;
  #resumed: LineTally | undefined;

  constructor(o: ImportOptions) {
    this.#o = o;
    this.#started = o.now();
    if (o.storages === undefined && o.verification !== 'none')
      throw new StorageError('InvalidArgument', 'expected storages, as links are to be verified; got none; pass "storages", or verification "none"');
  }

  progress(): ReturnType<ImportJob['progress']> {
    return { ...this.#counter.tally(), underWay: this.#underWay, elapsedMs: this.#o.now() - this.#started };
  }

  stop(): void {
    this.#stopped = true;
  }

  async report(): Promise<ImportReport> {
    const { catalog, scratch, project, type, onNameTaken = 'rename', reportFiles } = this.#o;
    const target =
      scratch === undefined ? await catalogTarget(catalog, project, type, onNameTaken) : await dryRunTarget(catalog, scratch, project, type, onNameTaken);
    try {
      const ended = await this.#run(target);
      const tally = this.#counter.tally();
      return {
        ...(target.project === undefined ? {} : { project: target.project }),
        tally,
        ...(this.#resumed === undefined ? {} : { resumed: this.#resumed }),
        faults: this.#faults,
        balanced: tally.rows === this.#rowsRead + (this.#resumed?.rows ?? 0),
        stopped: !ended,
        elapsedMs: this.#o.now() - this.#started,
      };
    } finally {
      await reportFiles?.close();
    }
  }

  /** Whether it came to its end. */
  async #run(target: ImportTarget): Promise<boolean> {
    const { sources, verification = 'head', storages, schemes, rewriteStoreUrls, signal, observer } = this.#o;
    const verifier = new LinkVerifier({
      verification,
      kind: target.kind,
      buckets: storages === undefined ? undefined : new LinkedBuckets(storages, schemes),
      call: signal === undefined ? {} : { signal },
    });
    const steps = await this.#openSteps();
    const batches = rowBatches(
      sources.filter((source) => steps.of(source)?.finished !== true),
      {
        rowsABatch: verification === 'none' ? ROWS_UNVERIFIED : ROWS_VERIFIED,
        after: (source) => steps.of(source)?.line ?? 0,
        isStopped: () => this.#stopped,
        ...(schemes === undefined ? {} : { schemes }),
        ...(rewriteStoreUrls === undefined ? {} : { rewriteStoreUrls }),
        onNotice: (notice) => void observer?.notice?.(notice),
      },
    );
    const seeTo = (batch: RowBatch): Promise<SeenBatch> => this.#seeTo(batch, target, verifier, verification !== 'none');
    let last: RowBatch | undefined;
    for await (const seen of mapAhead(batches, verification === 'none' ? 0 : BATCHES_AHEAD, seeTo)) {
      signal?.throwIfAborted();
      last = seen.batch;
      await this.#commit(seen, target, steps);
      // Those that were read ahead are left to the next run.
      if (this.#stopped) break;
    }
    const ended = !this.#stopped || (last?.end === true && last.source === sources.at(-1));
    const step = last === undefined || ended ? undefined : steps.checkpoint(last.source);
    // What was finished before the stop is not looked at again.
    if (step !== undefined) await target.add([], step);
    if (ended) await steps.finish();
    return ended;
  }

  async #seeTo(batch: RowBatch, target: ImportTarget, verifier: LinkVerifier, asksFirst: boolean): Promise<SeenBatch> {
    this.#underWay += batch.rows.length;
    const items = batch.rows.map((row) => (row.ok ? this.#item(row, batch.source) : undefined));
    const good = items.filter((item) => item !== undefined);
    // What is there already is not asked for again; without verification the catalog finds that by itself.
    const present = asksFirst ? await target.present(good) : [];
    let next = 0;
    const rows: SeenRow[] = [];
    // Only what waits for an answer costs a promise.
    const waiting: Promise<void>[] = [];
    for (const [i, row] of batch.rows.entries()) {
      const item = items[i];
      if (!row.ok || item === undefined) rows[i] = { row, seen: { kind: 'failed', outcome: badLine(row, batch.source) } };
      else if (present[next++] === true) rows[i] = { row, seen: { kind: 'present', item } };
      else {
        const verified = verifier.verify(row.link, item.name);
        if (verified instanceof Promise)
          waiting.push(
            verified.then((known) => {
              rows[i] = seenRow(row, item, known, batch.source);
            }),
          );
        else rows[i] = seenRow(row, item, verified, batch.source);
      }
    }
    await Promise.all(waiting);
    return { batch, rows };
  }

  #item(row: LinkRow, source: LinksSource): NewItem {
    const { dataset = source.dataset, datasetsByFolder = false, schemes } = this.#o;
    return {
      dataset: datasetsByFolder ? [dataset, ...entityFolders(row.link)] : [dataset],
      name: entityName(row.link),
      link: formatLink(row.link, schemes === undefined ? {} : { schemes }),
      tags: row.tags,
    };
  }

  async #commit({ batch, rows }: SeenBatch, target: ImportTarget, steps: Steps): Promise<void> {
    const { source } = batch;
    const items = rows.flatMap(({ seen }) => (seen.kind === 'good' ? [seen.item] : []));
    // The step that is written along says how far the report is known to be complete: to the end of the batch before.
    const outcomes = await target.add(items, steps.checkpoint(source));
    let next = 0;
    const lines = rows.map(({ row, seen }): LineOutcome => {
      if (seen.kind === 'failed') return seen.outcome;
      const outcome = seen.kind === 'present' ? ({ kind: 'present', name: seen.item.name } as const) : outcomes[next++];
      if (outcome === undefined) throw new Error('the catalog gave fewer outcomes than it was asked for');
      return lineOutcome(row as LinkRow, seen.item, outcome, source);
    });
    const { reportFiles, observer } = this.#o;
    await reportFiles?.write(lines);
    this.#rowsRead += rows.length;
    this.#underWay -= rows.length;
    this.#counter.add(lines);
    this.#counter.ignored(steps.advance(batch, lines, reportFiles?.lengths() ?? null));
    await observer?.outcomes?.(lines);
    if (batch.fault !== undefined) {
      this.#faults.push(batch.fault.message);
      await observer?.fault?.(batch.fault.message);
    }
    const done = batch.end ? steps.checkpoint(source) : undefined;
    if (done !== undefined) await target.add([], done);
  }

  /** The steps of this import that an earlier run has committed, and those of this one. */
  async #openSteps(): Promise<Steps> {
    const { catalog, sources, scratch, reportFiles } = this.#o;
    if (scratch !== undefined || sources.every(({ identity }) => identity === undefined)) return new Steps(undefined, () => Promise.resolve());
    const run = await catalog.imports.open(importKey(this.#o));
    const finish = (): Promise<void> => catalog.imports.finish(run.id);
    const states = run.sources.map(({ state }) => state as unknown as SourceState);
    const longest = states
      .map(({ report }) => report)
      .filter((report) => report !== null)
      .sort((a, b) => total(b) - total(a))[0];
    // A report that is not as it was left cannot be gone on with: the lines are read again, and are there already.
    if (reportFiles !== undefined && run.sources.length > 0 && (longest === undefined || !(await reportFiles.resume(longest))))
      return new Steps({ ...run, sources: [] }, finish);
    if (states.length > 0) {
      const earlier = new LineCounter();
      for (const { tally } of states) {
        earlier.addTally(tally);
        this.#counter.addTally(tally);
      }
      this.#resumed = earlier.tally();
    }
    return new Steps(run, finish);
  }
}

/** How far each source has come. */
class Steps {
  readonly #run: ImportRun | undefined;
  readonly finish: () => Promise<void>;
  readonly #earlier: ReadonlyMap<string, ImportSource>;
  readonly #now = new Map<LinksSource, { counter: LineCounter; line: number; ignored: number; end: boolean; report: ReportLengths | null }>();

  constructor(run: ImportRun | undefined, finish: () => Promise<void>) {
    this.#run = run;
    this.finish = finish;
    this.#earlier = new Map((run?.sources ?? []).map((source) => [source.source, source]));
  }

  of({ identity }: LinksSource): ImportSource | undefined {
    return identity === undefined ? undefined : this.#earlier.get(identity);
  }

  checkpoint(source: LinksSource): { runId: number; source: string; offset: number; line: number; finished: boolean; state: Json } | undefined {
    const step = this.#now.get(source);
    if (this.#run === undefined || source.identity === undefined || step === undefined) return undefined;
    const state: SourceState = { tally: step.counter.tally(), report: step.report };
    return { runId: this.#run.id, source: source.identity, offset: 0, line: step.line, finished: step.end, state: state as unknown as Json };
  }

  /** Takes a batch that is done; gives how many more lines of its source were none that hold links. */
  advance(batch: RowBatch, lines: readonly LineOutcome[], report: ReportLengths | null): number {
    let step = this.#now.get(batch.source);
    if (step === undefined) {
      const earlier = this.of(batch.source)?.state as unknown as SourceState | undefined;
      step = { counter: new LineCounter(), line: 0, ignored: earlier?.tally.ignored ?? 0, end: false, report: null };
      if (earlier !== undefined) step.counter.addTally(earlier.tally);
      this.#now.set(batch.source, step);
    }
    const ignored = batch.ignored - step.ignored;
    step.counter.add(lines);
    step.counter.ignored(ignored);
    Object.assign(step, { line: batch.line, ignored: batch.ignored, end: batch.end, report });
    return ignored;
  }
}

function total(lengths: ReportLengths): number {
  return Object.values(lengths).reduce((sum, length) => sum + length, 0);
}

function importKey({ project, type, dataset, datasetsByFolder, verification, onNameTaken, rewriteStoreUrls, reportFiles, sources }: ImportOptions): string {
  const options = [project, type, dataset, datasetsByFolder, verification, onNameTaken, rewriteStoreUrls, reportFiles?.folder];
  const parts = [options.map((option) => option ?? null), sources.map(({ name, identity }) => identity ?? name)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function badLine(row: LinksRow, { name: file }: LinksSource): LineOutcome {
  return { file, line: row.line, column: row.column, outcome: 'failed', reason: 'bad-line', message: row.ok ? '' : row.reason, row };
}

function seenRow(row: LinkRow, item: NewItem, verified: Verified, source: LinksSource): SeenRow {
  if (verified.ok) return { row, seen: { kind: 'good', item: { ...item, ...verified.facts } } };
  const { reason, message } = verified;
  return { row, seen: { kind: 'failed', outcome: { ...placed(row, item, source), outcome: 'failed', reason, message } } };
}

function placed(
  row: LinkRow,
  { link, dataset }: NewItem,
  { name: file }: LinksSource,
): Pick<LineOutcome, 'file' | 'line' | 'column' | 'link' | 'dataset' | 'row'> {
  return { file, line: row.line, column: row.column, link, dataset, row };
}

function lineOutcome(row: LinkRow, item: NewItem, outcome: TargetOutcome, source: LinksSource): LineOutcome {
  const place = placed(row, item, source);
  if (outcome.kind === 'refused') return { ...place, outcome: 'failed', reason: 'refused', message: outcome.reason };
  const { name } = outcome;
  const known = { ...place, name, ...(outcome.id === undefined ? {} : { id: outcome.id }) };
  switch (outcome.kind) {
    case 'added':
      return { ...known, outcome: 'imported', ...(outcome.renamed ? { renamed: true } : {}) };
    case 'replaced':
      return { ...known, outcome: 'imported', replaced: true };
    case 'skipped':
      return { ...known, outcome: 'skipped', reason: 'name-taken', message: `the dataset has ${JSON.stringify(name)} already` };
    case 'present':
      return { ...known, outcome: 'present' };
  }
}
