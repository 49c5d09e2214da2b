import type { ProgressSnapshot } from '@stowage/transfer';
import { aroundDriver, isStorageError, type Layer, occupancyLayer, throttleLayer } from '@stowage/core';

/** What goes on at one endpoint. */
export interface EndpointLoad {
  /** Host and port: `s3.amazonaws.com`, `127.0.0.1:9000`. */
  readonly endpoint: string;
  /** Requests, or batches of them, that have begun and not ended; a body that is read counts. */
  readonly inFlight: number;
  /** How often it has asked to slow down. */
  readonly throttled: number;
}

/** Where a run stands, and what it does to its endpoints; absent where both places are folders. */
export interface Standing extends ProgressSnapshot {
  readonly endpoints?: readonly EndpointLoad[];
}

interface Traffic {
  inFlight: number;
  throttled: number;
  readonly layer: Layer;
}

/** The requests of a run by endpoint: counted, and kept back together where the endpoint has asked to wait. Both places may be at one. */
export class EndpointTraffic {
  readonly #traffic = new Map<string, Traffic>();

  /** What all buckets of the endpoint are opened with. */
  layerOf(endpoint: string): Layer {
    let traffic = this.#traffic.get(endpoint);
    if (traffic === undefined) this.#traffic.set(endpoint, (traffic = newTraffic()));
    return traffic.layer;
  }

  loads(): readonly EndpointLoad[] {
    return [...this.#traffic].map(([endpoint, { inFlight, throttled }]) => ({ endpoint: new URL(endpoint).host, inFlight, throttled }));
  }
}

function newTraffic(): Traffic {
  const counted = occupancyLayer({ take: () => void traffic.inFlight++, leave: () => void traffic.inFlight-- });
  const heard: Layer = (inner) =>
    aroundDriver(inner, {
      async around(_call, o, run) {
        try {
          return await run(o);
        } catch (error) {
          if (isStorageError(error, 'RateLimited')) traffic.throttled++;
          throw error;
        }
      },
    });
  // What waits is not in flight.
  const pausing = throttleLayer();
  const traffic: Traffic = { inFlight: 0, throttled: 0, layer: (inner) => pausing(heard(counted(inner))) };
  return traffic;
}
