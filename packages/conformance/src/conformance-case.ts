import type { Capabilities } from '@stowage/core';
import type { CaseContext } from './case-context.ts';
import type { Harness } from './harness.ts';

export type GroupName =
  | 'read'
  | 'write'
  | 'conditions'
  | 'list'
  | 'keys'
  | 'multipart'
  | 'copy'
  | 'delete'
  | 'presign'
  | 'errors'
  | 'abort'
  | 'creation'
  | 'memory';

/** Whether a case can run: true, or why not, in words for the test report. */
export type Need = (capabilities: Capabilities, harness: Harness) => true | string;

/** One promise of the contract and how it is put to the test. */
export interface ConformanceCase {
  readonly group: GroupName;
  /** Unique in the suite, and stable: a sentence that says what holds. */
  readonly name: string;
  /** Most that a runner should wait, in milliseconds. */
  readonly timeoutMs: number;
  needs(capabilities: Capabilities, harness: Harness): true | string;
  /** Rejects with an `AssertionError` where the promise is broken. `runCase` prepares the context. */
  run(context: CaseContext): Promise<void>;
}

/** A case as a group's file writes it. */
export interface CaseDefinition {
  readonly name: string;
  readonly needs?: readonly Need[];
  readonly timeoutMs?: number;
  run(context: CaseContext): Promise<void>;
}

/** Enough for 2,500 writes to a server near by. */
const DEFAULT_TIMEOUT_MS = 120_000;

/** The cases of a group; `needs` holds of each of them, before its own. */
export function casesOf(group: GroupName, needs: readonly Need[], definitions: readonly CaseDefinition[]): readonly ConformanceCase[] {
  return definitions.map((definition) => ({
    group,
    name: definition.name,
    timeoutMs: definition.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    needs(capabilities, harness): true | string {
      for (const need of [...needs, ...(definition.needs ?? [])]) {
        const answer = need(capabilities, harness);
        if (answer !== true) return answer;
      }
      return true;
    },
    run: (context) => definition.run(context),
  }));
}
