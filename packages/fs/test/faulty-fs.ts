import type { FileSystem } from '../src/file-system.ts';

/** A call about to be made. */
export interface FsCall {
  readonly name: keyof FileSystem;
  readonly args: readonly unknown[];
  /** From 1, of this name. */
  readonly count: number;
}

/** An error as the system gives it. */
export function systemError(code: string, call = 'test'): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${call}`), { code, syscall: call });
}

/** What happens in the place of a call: nothing (it goes through), an error, or a result. */
export type Judge = (call: FsCall) => undefined | Error | { readonly result: unknown };

/** A file system whose calls pass a judge: callback calls fail through their callback. */
export function faultyFs(base: FileSystem, judge: Judge): FileSystem {
  const counts = new Map<string, number>();
  return new Proxy(base, {
    get(target, name: keyof FileSystem): unknown {
      const real: unknown = Reflect.get(target, name);
      if (typeof real !== 'function') return real;
      return (...args: unknown[]): unknown => {
        const count = (counts.get(name) ?? 0) + 1;
        counts.set(name, count);
        const verdict = judge({ name, args, count });
        if (verdict === undefined) return Reflect.apply(real, target, args);
        const done = args.at(-1);
        if (isCallback(name, done)) {
          queueMicrotask(() => {
            if (verdict instanceof Error) done(verdict);
            else done(null, verdict.result);
          });
          return undefined;
        }
        if (verdict instanceof Error) throw verdict;
        return verdict.result;
      };
    },
  });
}

function isCallback(name: string, last: unknown): last is (error: Error | null, result?: unknown) => void {
  return !name.endsWith('Sync') && typeof last === 'function';
}
