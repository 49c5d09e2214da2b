import type { Call } from '@stowage/core';

/** Of a call's options, what a call within it is given: the signal; time limits are kept above drivers. */
export function signalOf({ signal }: Call): Call {
  return signal === undefined ? {} : { signal };
}
