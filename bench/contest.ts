/** Runs tools in turn, round by round, without losing the others where one fails or takes far longer. */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailed, type Run, time } from './paired.ts';

export interface Entrant {
  readonly tool: string;
  /** Whether it is a peer, which may be left out where it takes far longer than the best; Stowage never is. */
  readonly peer: boolean;
  /** A shell command for the round of that number, from 1. */
  command(round: number): string;
  /** Work before a run, not timed. */
  before?(round: number): void;
  /** Seconds to wait right before a run. Default: none. */
  readonly settleSeconds?: number;
  /** Throws where the run did not do what it should have, and cleans up. Not timed. */
  after?(round: number): void | Promise<void>;
}

export interface Outcome {
  readonly tool: string;
  readonly runs: Run[];
  /** Why there are fewer runs than rounds. */
  note?: string;
}

/** A peer that took so many times the best is not run again. */
const ONCE_ABOVE = 1.5;
/** A peer that takes so many times the best so far, and more than the least, is ended. */
const ENDED_ABOVE = 4;
const LEAST_LIMIT_SECONDS = 60;
/** Notes stand in a cell of the table. */
const NOTE_LENGTH = 100;

export async function contest(entrants: readonly Entrant[], rounds: number): Promise<Outcome[]> {
  const outcomes = new Map<Entrant, Outcome>(entrants.map((entrant) => [entrant, { tool: entrant.tool, runs: [] }]));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 1; round <= rounds; round++) {
    for (const [entrant, outcome] of rotated([...outcomes], round - 1)) {
      if (outcome.note !== undefined) continue;
      try {
        const run = await oneRun(entrant, round, entrant.peer ? Math.max(LEAST_LIMIT_SECONDS, best * ENDED_ABOVE) : undefined);
        outcome.runs.push(run);
        best = Math.min(best, run.wallSeconds);
        console.error(`  round ${round}: ${entrant.tool} ${run.wallSeconds.toFixed(1)} s, CPU ${run.cpuSeconds.toFixed(1)} s, ${run.peakMiB.toFixed(0)} MiB`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        outcome.note = (error instanceof CommandFailed ? `failed: ${error.said}` : reason).slice(0, NOTE_LENGTH);
        console.error(`  round ${round}: ${entrant.tool}: ${reason}`);
      }
    }
    if (rounds === 1) break;
    for (const [{ peer }, outcome] of outcomes) if (peer && (outcome.runs[0]?.wallSeconds ?? 0) > ONCE_ABOVE * best) outcome.note ??= 'once';
  }
  return [...outcomes.values()];
}

/** Each round begins with another one: who comes first finds colder memory than those behind. */
function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function oneRun(entrant: Entrant, round: number, limitSeconds?: number): Promise<Run> {
  entrant.before?.(round);
  // What the one before left to be written back must not be this one's to wait for.
  execFileSync('sync');
  await sleep((entrant.settleSeconds ?? 0) * 1000);
  const run = await time(entrant.command(round), limitSeconds);
  await entrant.after?.(round);
  return run;
}
