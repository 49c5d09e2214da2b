import { type BucketDriver, delegate, type Layer } from '@stowage/core';

/** A fault that drivers have been seen with, and the case that must find it. */
export interface BrokenDriver {
  /** What it does wrong. */
  readonly fault: string;
  /** The name of the case that fails. */
  readonly fails: string;
  /** The fault, laid over a driver that is right. */
  readonly layer: Layer;
}

/** A driver that differs from a right one in the members given. */
export function broken(fault: string, fails: string, overrides: (inner: BucketDriver) => Partial<BucketDriver>): BrokenDriver {
  return { fault, fails, layer: (inner) => delegate(inner, overrides(inner)) };
}
