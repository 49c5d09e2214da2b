import type { MirrorReport, Outcome, StopCause } from '@stowage/transfer';
import type { Standing } from './endpoint-traffic.ts';
import type { MirrorRequest } from './mirror-request.ts';

/** What `--json` writes, one a line; described in docs/guides/mirror-json.md. */
export type JsonEvent =
  | {
      readonly event: 'start';
      readonly time: string;
      readonly command: MirrorRequest['command'];
      readonly source: string;
      readonly destination: string;
      readonly dryRun: boolean;
      readonly delete: boolean;
      readonly comparison: MirrorRequest['comparison'];
    }
  | {
      readonly event: 'outcome';
      readonly outcome: Outcome['kind'];
      readonly key: string;
      readonly bytes: number;
      readonly reason?: string;
      readonly message?: string;
    }
  | ({ readonly event: 'progress'; readonly time: string } & Standing)
  | { readonly event: 'notice'; readonly message: string }
  | ({ readonly event: 'end'; readonly time: string; readonly exitCode: number } & JsonReport)
  | { readonly event: 'error'; readonly time: string; readonly exitCode: number; readonly message: string };

/** A report without what is no plain data, or said in the first event. */
type JsonReport = Pick<MirrorReport, 'counts' | 'reasons' | 'source' | 'destination' | 'keys' | 'complete' | 'balanced' | 'guard'> & {
  readonly elapsedMs: number;
  readonly stopped?: { readonly by: StopCause['by']; readonly side?: 'source' | 'destination'; readonly message?: string };
};

export function eventLine(event: JsonEvent): string {
  return `${JSON.stringify(event)}\n`;
}

export function outcomeEvent({ kind, key, size, reason, message }: Outcome): JsonEvent {
  return { event: 'outcome', outcome: kind, key, bytes: size, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}

export function endEvent(report: MirrorReport, exitCode: number, time: string): JsonEvent {
  const { counts, reasons, source, destination, keys, complete, balanced, guard, stopped, elapsedMs } = report;
  return {
    event: 'end',
    time,
    exitCode,
    counts,
    reasons,
    source,
    destination,
    keys,
    complete,
    balanced,
    ...(guard === undefined ? {} : { guard }),
    ...(stopped === undefined
      ? {}
      : {
          stopped:
            stopped.by === 'caller'
              ? { by: stopped.by }
              : { by: stopped.by, ...('side' in stopped ? { side: stopped.side } : {}), message: stopped.error.message },
        }),
    elapsedMs: Math.round(elapsedMs),
  };
}
