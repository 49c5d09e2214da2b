import { aroundDriver, isStorageError, type Layer, StorageError } from '@stowage/core';

/** Attempts on a store that has never answered: a slip of the network is forgiven, a wrong address is told within seconds. */
const ATTEMPTS = 2;

/** Beneath the retries: what fails before the store has been met once is not tried as often as what fails later. */
export function firstContact(): Layer {
  return (inner) => {
    let met = false;
    let failures = 0;
    return aroundDriver(inner, {
      around: async (_call, o, run) => {
        try {
          const result = await run(o);
          met = true;
          return result;
        } catch (error) {
          if (met || !isStorageError(error)) throw error;
          // A status is an answer, and so is what the store itself must have said.
          met = error.status !== undefined || !error.retryable;
          throw met || ++failures < ATTEMPTS ? error : new StorageError(error.code, error.message, { retryable: false }).with(error);
        }
      },
    });
  };
}
