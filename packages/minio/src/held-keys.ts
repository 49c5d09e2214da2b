import { type Call, isStorageError, shownKey, StorageError } from '@stowage/core';
import { untilAborted } from '@stowage/wire';
import { asOperation } from './minio-error.ts';
import type { ObjectCalls } from './object-calls.ts';
import type { StoreConnection } from './store-connection.ts';
import { type StoreKind, type StoreLimits, storeLimits } from './store-limits.ts';

/** Nobody's key: who answers is told by the refusal. */
const LOOKED_AT = '.stowage-look';

/**
 * Which keys the server can hold. Where the configuration does not say what it is (`s3`), its answers do: MinIO and Versity's gateway
 * take `/lead` and answer with success, and what they read, write or delete is `lead`. Keys that one of them would change wait for an
 * answer, one HEAD for each bucket that is opened, before anything is asked about them; all other keys cost nothing.
 */
export class HeldKeys {
  readonly #configured: StoreKind;
  readonly #store: StoreConnection;
  readonly #calls: () => ObjectCalls;
  #looked = false;
  #looking: Promise<void> | undefined;

  constructor(configured: StoreKind, store: StoreConnection, calls: () => ObjectCalls) {
    this.#configured = configured;
    this.#store = store;
    this.#calls = calls;
  }

  /** What is configured, or else what is known by now of the server that answers. */
  get limits(): StoreLimits {
    const { server } = this.#store;
    return storeLimits(this.#configured === 's3' && (server === 'minio' || server === 'versitygw') ? server : this.#configured);
  }

  fault(key: string): string | undefined {
    return this.limits.checkKey(key);
  }

  refusal(key: string, operation: string): StorageError | undefined {
    const fault = this.fault(key);
    if (fault === undefined) return undefined;
    return new StorageError('InvalidKey', `this store cannot hold the key ${JSON.stringify(shownKey(key))}: ${fault}`, {
      operation,
      provider: 'minio',
      bucket: this.#store.bucket,
      key,
    });
  }

  /** Undefined where the key is known to be held; else settles when that is known. Rejects with `InvalidKey`. */
  assert(key: string, operation: string, o: Call): Promise<void> | undefined {
    if (!this.#mayChange(key)) return undefined;
    return this.#asserted(key, operation, o);
  }

  /** Settles when it is known who answers, where one of the keys asks for that. */
  async recognized(keys: readonly string[], operation: string, o: Call): Promise<void> {
    const doubtful = keys.find((key) => this.#mayChange(key));
    if (doubtful !== undefined) await this.serverSeen(doubtful, operation, o);
  }

  /** Settles when it is known who answers, where the configuration does not say it. */
  async serverSeen(key: string | undefined, operation: string, { signal }: Call): Promise<void> {
    if (this.#configured !== 's3' || this.#looked || this.#store.server === 'minio' || this.#store.server === 'versitygw') return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    try {
      await untilAborted(this.#looking, signal);
    } catch (error) {
      throw isStorageError(error) ? asOperation(error, operation, key) : error;
    }
  }

  async #asserted(key: string, operation: string, o: Call): Promise<void> {
    await this.serverSeen(key, operation, o);
    const refusal = this.refusal(key, operation);
    if (refusal !== undefined) throw refusal;
  }

  #mayChange(key: string): boolean {
    return this.#configured === 's3' && (storeLimits('minio').checkKey(key) !== undefined || storeLimits('versitygw').checkKey(key) !== undefined);
  }

  async #look(): Promise<void> {
    try {
      await this.#calls().head(LOOKED_AT, {});
    } catch (error) {
      // A refusal is an answer. What may pass is none: who answers is not known then, and nothing is written on a guess.
      if (!isStorageError(error) || error.retryable) throw error;
    }
    this.#looked = true;
  }
}
