import type { Bucket } from '@stowage/core';
import { mirror, type MirrorOptions, type MirrorReport, type MirrorRun, OUTCOME_KINDS } from '../src/index.ts';

/**
 * Begins a mirror whose sums are judged here, by what its observer was told and not by its own word: every run of these tests goes
 * through it. The report rejects where a key has no outcome, or several.
 */
export function balancedMirror(source: Bucket, destination: Bucket, options: MirrorOptions): MirrorRun {
  let told = 0;
  const { observer } = options;
  const run = mirror(source, destination, {
    ...options,
    observer: {
      ...observer,
      outcomes(batch) {
        told += batch.length;
        return observer?.outcomes?.(batch);
      },
    },
  });
  return { progress: () => run.progress(), stop: () => run.stop(), report: run.report.then((report) => judged(report, told)) };
}

function judged(report: MirrorReport, told: number): MirrorReport {
  const { counts, keys, source, destination, balanced } = report;
  const [left, right] = [source, destination].map(({ objects, issues }) => objects + issues) as [number, number];
  const sum = OUTCOME_KINDS.reduce((total, kind) => total + counts[kind].objects, 0);
  const all = told === keys && sum === keys && keys >= Math.max(left, right) && keys <= left + right;
  if (!all || !balanced)
    throw new Error(
      `the sums do not match: ${told} outcomes were told and ${sum} counted of ${keys} keys; listed at the source ${left}, at the destination ${right}; the report says ${balanced ? 'balanced' : 'not balanced'}`,
    );
  return report;
}
