import type { DriverObject, Layer } from '../driver.ts';
import { type ErrorCode, StorageError, type StorageErrorDetails } from '../storage-error.ts';
import { type Around, aroundDriver, type DriverCall } from './around.ts';

/** One thing that goes wrong. */
export interface Fault {
  /** Only calls of this operation (see `DriverCall.operation`). Default: every operation. */
  readonly operation?: string;
  /** Only this key, or keys that match. Default: every key. */
  readonly key?: string | RegExp;
  /** Let this many matching calls pass first. Default 0. */
  readonly skip?: number;
  /** Strike this many times. Default: for ever. */
  readonly times?: number;
  /** Wait before the call, in milliseconds; the signal is heeded. */
  readonly delayMs?: number;
  /** Never answer; only the signal ends the call. */
  readonly hang?: boolean;
  /** Fail with this code instead of, or (`after`) behind, the call. */
  readonly code?: ErrorCode;
  readonly details?: StorageErrorDetails;
  /** The call takes effect, and its answer is lost. */
  readonly after?: boolean;
  /** For `get`: the body ends after this many bytes, with `Unavailable`, or silently where `silent`. */
  readonly breakBodyAfter?: number;
  readonly silent?: boolean;
}

/** Makes a driver fail as planned, for tests of what stands above it. Faults strike in the order given; the first that matches counts. */
export function faultLayer(faults: readonly Fault[]): Layer {
  const passed = new Map<Fault, number>();
  const strike = (call: DriverCall): Fault | undefined =>
    faults.find((fault) => {
      if (fault.operation !== undefined && fault.operation !== call.operation) return false;
      if (fault.key !== undefined && !matches(fault.key, call.key)) return false;
      const count = passed.get(fault) ?? 0;
      passed.set(fault, count + 1);
      const skip = fault.skip ?? 0;
      return count >= skip && count < skip + (fault.times ?? Number.POSITIVE_INFINITY);
    });

  return (inner) => {
    const broken = new WeakMap<object, Fault>();
    const fail = (fault: Fault, { operation, key }: DriverCall): StorageError =>
      new StorageError(fault.code ?? 'Unavailable', `injected fault: ${fault.code ?? 'Unavailable'}`, {
        operation,
        provider: inner.provider,
        bucket: inner.bucket,
        ...(key === undefined ? {} : { key }),
        ...fault.details,
      });
    const around: Around = async (call, o, run) => {
      const fault = strike(call);
      if (fault === undefined) return run(o);
      if (fault.hang === true || fault.delayMs !== undefined) await delay(fault.hang === true ? undefined : fault.delayMs, o.signal);
      if (fault.code !== undefined && fault.after !== true) throw fail(fault, call);
      const result = await run(o);
      if (fault.code !== undefined) throw fail(fault, call);
      if (fault.breakBodyAfter !== undefined) broken.set(result as object, fault);
      return result;
    };
    return aroundDriver(inner, {
      around,
      opened(_key, _o, object) {
        const fault = broken.get(object);
        return fault === undefined ? object : breakingOff(object, fault);
      },
    });
  };
}

function matches(wanted: string | RegExp, key: string | undefined): boolean {
  if (key === undefined) return false;
  return typeof wanted === 'string' ? wanted === key : wanted.test(key);
}

function breakingOff(object: DriverObject, fault: Fault): DriverObject {
  async function* body(): AsyncIterable<Uint8Array> {
    let left = fault.breakBodyAfter ?? 0;
    for await (const chunk of object.body) {
      if (chunk.byteLength > left) {
        if (left > 0) yield chunk.subarray(0, left);
        if (fault.silent === true) return;
        throw new StorageError('Unavailable', 'injected fault: the connection was reset', { operation: 'get', key: object.info.key });
      }
      left -= chunk.byteLength;
      yield chunk;
    }
  }
  return { ...object, body: body(), close: () => object.close() };
}

function delay(ms: number | undefined, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', abort);
        if (ms !== undefined) resolve();
      },
      ms ?? 2 ** 31 - 1,
    );
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
