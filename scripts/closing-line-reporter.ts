import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';

/** What the last line of a test run says. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** One line for each skip, and for each failure that is no failed test (a file that does not load, an unhandled error). */
  notes: string[];
}

/** How strictly to count: see {@link tally}. */
export interface TallyOptions {
  /** A skip without a reason is a failure. */
  reasonsRequired: boolean;
  /** The folder that the files of tests are named from. */
  root: string;
  /** Tests were chosen by name: those not chosen are neither passed nor skipped. */
  chosenByName: boolean;
}

/**
 * Counts a finished run. A file or suite that fails outside of its tests, and every unhandled error, counts as one
 * failure: a run that lost tests must never read as a run without failures.
 */
export function tally(modules: readonly TestModule[], unhandledErrors: readonly { message?: string }[], options: TallyOptions): Tally {
  const counts: Tally = { passed: 0, failed: 0, skipped: 0, notes: [] };
  for (const module of modules) {
    const file = relative(options.root, module.moduleId);
    const fail = (name: string, why: string): void => {
      counts.failed += 1;
      counts.notes.push(`failed: ${file} > ${name}: ${why}`);
    };
    for (const error of module.errors()) {
      fail('(file)', firstLine(error.message));
    }
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors()) {
        fail(suite.fullName, firstLine(error.message));
      }
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') {
        counts.passed += 1;
      } else if (result.state === 'failed') {
        counts.failed += 1;
      } else if (result.state === 'skipped') {
        if (result.note) {
          counts.skipped += 1;
          counts.notes.push(`skipped: ${file} > ${test.fullName}: ${result.note}`);
        } else if (options.chosenByName) {
          continue;
        } else if (options.reasonsRequired) {
          fail(test.fullName, 'skipped without a reason: use ctx.skip(reason)');
        } else {
          counts.skipped += 1;
          counts.notes.push(`skipped: ${file} > ${test.fullName}: no reason given: use ctx.skip(reason)`);
        }
      } else {
        fail(test.fullName, 'did not finish');
      }
    }
  }
  for (const error of unhandledErrors) {
    counts.failed += 1;
    counts.notes.push(`failed: unhandled error: ${firstLine(error.message)}`);
  }
  return counts;
}

/** The closing line itself: people and machines read the last line of a run. */
export function closingLine(counts: Pick<Tally, 'passed' | 'failed' | 'skipped'>): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/** Prints every skip with its reason and, as the very last line, `N passed, N failed, N skipped`. */
export default class ClosingLineReporter implements Reporter {
  #root = process.cwd();
  #chosenByName = false;
  #finished: Tally | undefined;

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
    this.#chosenByName = vitest.config.testNamePattern !== undefined;
    // At exit and written at once: nothing else that runs in this process can come after it.
    process.once('exit', () => this.#print());
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly { message?: string }[], reason: TestRunEndReason): void {
    this.#finished = tally(modules, unhandledErrors, {
      root: this.#root,
      reasonsRequired: Boolean(process.env['CI']),
      chosenByName: this.#chosenByName,
    });
    if (reason === 'interrupted') {
      this.#finished.failed += 1;
      this.#finished.notes.push('failed: the run was interrupted');
    }
  }

  #print(): void {
    const counts = this.#finished ?? { passed: 0, failed: 1, skipped: 0, notes: ['failed: the run ended before its tests did'] };
    if (counts.failed > 0 && !process.exitCode) {
      process.exitCode = 1;
    }
    writeWhole(`${[...counts.notes, closingLine(counts)].join('\n')}\n`);
  }
}

function firstLine(message: string | undefined): string {
  return (message ?? 'no message').split('\n', 1)[0] ?? '';
}

/** A pipe that is full takes a part of a text, or none (EAGAIN): what is left is written when its reader has come on. */
function writeWhole(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
