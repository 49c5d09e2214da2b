import { AssertionError } from 'node:assert/strict';
import { isStorageError } from '@stowage/core';
import { CaseContext } from './case-context.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { told } from './expectations.ts';
import { abortCases } from './groups/abort.ts';
import { conditionCases } from './groups/conditions.ts';
import { copyCases } from './groups/copy.ts';
import { creationCases } from './groups/creation.ts';
import { deleteCases } from './groups/delete.ts';
import { errorCases } from './groups/errors.ts';
import { keyCases } from './groups/keys.ts';
import { listCases } from './groups/list.ts';
import { listPageCases } from './groups/list-pages.ts';
import { memoryCases } from './groups/memory.ts';
import { multipartCases } from './groups/multipart.ts';
import { presignCases } from './groups/presign.ts';
import { readCases } from './groups/read.ts';
import { writeCases } from './groups/write.ts';
import { writeHeaderCases } from './groups/write-headers.ts';
import type { Harness } from './harness.ts';

const CASES: readonly ConformanceCase[] = [
  ...readCases,
  ...writeCases,
  ...writeHeaderCases,
  ...conditionCases,
  ...listCases,
  ...listPageCases,
  ...keyCases,
  ...multipartCases,
  ...copyCases,
  ...deleteCases,
  ...presignCases,
  ...errorCases,
  ...abortCases,
  ...creationCases,
  ...memoryCases,
];

/** Every case of the suite, whether or not a given store needs it. */
export function conformanceCases(): readonly ConformanceCase[] {
  return CASES;
}

/**
 * Runs one case on a bucket of its own. Rejects with an `AssertionError` where the driver breaks the case's promise, which includes
 * a `StorageError` where none was due (it is the cause). Any other rejection is a fault of the harness or of the suite.
 */
export async function runCase(conformanceCase: ConformanceCase, harness: Harness): Promise<void> {
  await using context = await CaseContext.open(harness);
  try {
    await conformanceCase.run(context);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    const surprise = new AssertionError({
      message: `expected ${error.operation || 'the operation'} to succeed here; got ${told(error)}`,
      actual: error.code,
      expected: 'success',
      operator: 'conformance',
    });
    surprise.cause = error;
    throw surprise;
  }
}

/** The functions of a test runner, in the few forms that the suite needs. */
export interface Runner {
  /** Names a group of tests. `body` is synchronous. */
  describe(name: string, body: () => void): unknown;
  /** Adds a test that may take that long. */
  test(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
  /** Adds a test that is reported as skipped, for that reason. */
  skip(name: string, reason: string): unknown;
}

/** Adds every case to the runner, one group a `describe`: as a test where it applies to the store, else as a skip that says why. */
export function runConformance(runner: Runner, harness: Harness): void {
  for (const [group, cases] of Map.groupBy(CASES, (each) => each.group)) {
    runner.describe(group, () => {
      for (const each of cases) {
        const answer = each.needs(harness.capabilities, harness);
        if (answer === true) runner.test(each.name, () => runCase(each, harness), each.timeoutMs);
        else runner.skip(each.name, answer);
      }
    });
  }
}
