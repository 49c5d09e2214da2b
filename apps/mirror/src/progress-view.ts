import type { MirrorReport } from '@stowage/transfer';
import type { Output } from '@stowage/terminal';
import { bytesText, countOf, countText, durationText } from '@stowage/terminal/quantity-text';
import type { EndpointLoad, Standing } from './endpoint-traffic.ts';
import { RecentRate, timeLeft } from './recent-rate.ts';

/** Shows where a run stands until it is stopped. */
export interface ProgressView {
  /** Takes what is shown off the terminal and gives the cursor back. */
  stop(): void;
}

export const PLAIN_INTERVAL_MS = 10_000;
const LIVE_INTERVAL_MS = 100;

type Mode = MirrorReport['mode'];

/** One block that is drawn over again, for terminals. */
export async function liveView(stream: Output, snapshot: () => Standing, mode: Mode): Promise<ProgressView> {
  // Costs 30 ms to load: only where there is a terminal to draw on.
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(stream as NodeJS.WriteStream);
  const rates = new Rates();
  const draw = (): void => {
    const lines = liveLines(snapshot(), rates, mode, stream.columns ?? 80);
    update(lines.join('\n'));
  };
  const timer = setInterval(draw, LIVE_INTERVAL_MS);
  draw();
  return {
    stop() {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
}

/** A line every ten seconds, for logs; `emit` gets the snapshot with its rates. */
export function plainView(snapshot: () => Standing, emit: (snapshot: Standing, line: string) => void, mode: Mode): ProgressView {
  const rates = new Rates();
  rates.take(snapshot());
  const timer = setInterval(() => {
    const now = snapshot();
    emit(now, plainLine(now, rates.take(now), mode));
  }, PLAIN_INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}

interface Rate {
  readonly objects: number;
  readonly bytes: number;
  readonly compared: number;
}

class Rates {
  readonly #objects = new RecentRate();
  readonly #bytes = new RecentRate();
  readonly #compared = new RecentRate();

  take({ elapsedMs, done, compared }: Standing): Rate {
    return {
      objects: this.#objects.add(elapsedMs, done.objects),
      bytes: this.#bytes.add(elapsedMs, done.bytes),
      compared: this.#compared.add(elapsedMs, compared),
    };
  }
}

const NARROW = 40;
/** Wider, nothing is easier to read. */
const WIDEST = 100;

/** At most four lines, and one for each endpoint, that fit 60 columns. */
function liveLines(now: Standing, rates: Rates, mode: Mode, columns: number): string[] {
  return [...runLines(now, rates, mode, columns), ...(now.endpoints ?? []).map((load) => loadLine(load, columns))];
}

/** What is done to an endpoint; of its name as much as there is room for. */
function loadLine({ endpoint, inFlight, throttled }: EndpointLoad, columns: number): string {
  const text = `: ${countOf(inFlight, 'request')}${throttled === 0 ? '' : `, throttled ${timesText(throttled)}`}`;
  const room = Math.max(8, Math.min(columns, WIDEST) - text.length - 1);
  return (endpoint.length > room ? `${endpoint.slice(0, room - 1)}…` : endpoint) + text;
}

function timesText(count: number): string {
  return count === 1 ? 'once' : `${countText(count)} times`;
}

function runLines(now: Standing, rates: Rates, mode: Mode, columns: number): string[] {
  const rate = rates.take(now);
  const { toDo, done, deletions } = now;
  const compared = `${countText(now.compared)} compared${now.listed ? '' : ', listing on'}`;
  const troubles = `${countText(now.failed)} failed, ${countText(now.conflicts)} in conflict`;
  if (now.phase === 'deleting') return [`Deleting ${countText(deletions.done)} of ${countText(deletions.toDo)}`, troubles];
  if (mode === 'check' || toDo.objects === 0) return [`Comparing  ${compared}`, `${countText(Math.round(rate.compared))} keys/s`, troubles];
  const left = timeLeft(now, rate.objects, rate.bytes);
  const share = toDo.bytes > 0 ? done.bytes / toDo.bytes : done.objects / toDo.objects;
  return [
    `Copying  ${countText(done.objects)} of ${countText(toDo.objects)} objects, ${bytesText(done.bytes)} of ${bytesText(toDo.bytes)}`,
    `${bar(share, Math.min(NARROW, columns - 20))} ${Math.floor(100 * Math.min(1, share))} %${left === undefined ? '' : `  ${durationText(left)} left`}`,
    `${countText(Math.round(rate.objects))} objects/s, ${bytesText(Math.round(rate.bytes))}/s, ${countText(now.inFlight)} in flight`,
    `${compared}; ${troubles}`,
  ];
}

function bar(share: number, width: number): string {
  if (width < 4) return '';
  const full = Math.round(width * Math.min(1, Math.max(0, share)));
  return '█'.repeat(full) + '░'.repeat(width - full);
}

function plainLine(now: Standing, rate: Rate, mode: Mode): string {
  const { toDo, done, deletions } = now;
  const parts = [`${durationText(now.elapsedMs)}: ${countText(now.compared)} compared${now.listed ? '' : ' so far'}`];
  if (mode !== 'check') {
    parts.push(`${countText(done.objects)} of ${countText(toDo.objects)} objects and ${bytesText(done.bytes)} of ${bytesText(toDo.bytes)} copied`);
    parts.push(`${bytesText(Math.round(rate.bytes))}/s`, `${countText(now.inFlight)} in flight`);
    const left = timeLeft(now, rate.objects, rate.bytes);
    if (left !== undefined) parts.push(`${durationText(left)} left`);
  }
  if (deletions.toDo > 0) parts.push(`${countText(deletions.done)} of ${countText(deletions.toDo)} deleted`);
  for (const { endpoint, throttled } of now.endpoints ?? []) if (throttled > 0) parts.push(`${endpoint} throttled ${timesText(throttled)}`);
  parts.push(`${countText(now.failed)} failed, ${countText(now.conflicts)} in conflict`);
  return parts.join(', ');
}
