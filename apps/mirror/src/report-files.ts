import type { MirrorReport, Outcome, OutcomeKind } from '@stowage/transfer';
import { makeFolder } from '@stowage/core';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, type Terminal } from '@stowage/terminal';
import { isInside } from './engine-settings.ts';
import { endEvent, eventLine, outcomeEvent } from './json-events.ts';
import { lookAtPath } from './local-path.ts';
import type { OpenPlaces } from './open-places.ts';

/** Each kind but `same`, which is the rule. */
const FILES: Readonly<Partial<Record<OutcomeKind, string>>> = {
  copied: 'copied.jsonl',
  updated: 'updated.jsonl',
  deleted: 'deleted.jsonl',
  skipped: 'skipped.jsonl',
  conflict: 'conflicts.jsonl',
  failed: 'failed.jsonl',
};

/** Writes a run's outcomes into files, one for each kind, a line of JSON each, and its report into `report.json`. */
export class ReportFiles {
  readonly #folder: string;
  readonly #open = new Map<OutcomeKind, number>();

  /** Makes the folder, and empties files of an earlier run. Throws `CommandError` where it cannot be, or lies in one of the two trees. */
  constructor(folder: string, { source, destination }: OpenPlaces, { cwd }: Terminal) {
    this.#folder = resolve(cwd, folder);
    const { realPath } = lookAtPath(this.#folder, cwd);
    const inside = [source, destination].find((place) => place.folder !== undefined && isInside(realPath, place.folder));
    if (inside !== undefined)
      throw new CommandError(`--report-dir: ${JSON.stringify(folder)} lies in ${JSON.stringify(inside.label)}, which is mirrored; name a folder outside`);
    try {
      makeFolder(fs, this.#folder);
      for (const [kind, name] of Object.entries(FILES)) this.#open.set(kind as OutcomeKind, fs.openSync(join(this.#folder, name), 'w'));
    } catch (error) {
      this.close();
      throw new CommandError(`--report-dir: ${JSON.stringify(folder)} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    }
  }

  add(batch: readonly Outcome[]): void {
    const texts = new Map<OutcomeKind, string>();
    for (const outcome of batch) if (this.#open.has(outcome.kind)) texts.set(outcome.kind, (texts.get(outcome.kind) ?? '') + eventLine(outcomeEvent(outcome)));
    for (const [kind, text] of texts) fs.writeSync(this.#open.get(kind) as number, text);
  }

  end(report: MirrorReport, exitCode: number, time: string): void {
    fs.writeFileSync(join(this.#folder, 'report.json'), `${JSON.stringify(endEvent(report, exitCode, time), undefined, 2)}\n`);
  }

  close(): void {
    for (const file of this.#open.values()) fs.closeSync(file);
    this.#open.clear();
  }
}
