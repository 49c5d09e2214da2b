import type { Capabilities, Support } from '@stowage/core';
import type { Need } from './conformance-case.ts';
import type { Harness, StoreFaults } from './harness.ts';

/** Objects can be put there, through the bucket or past it. */
export const seedable: Need = ({ readOnly }, harness) => !readOnly || harness.seed !== undefined || 'the bucket is read-only, and the harness has no "seed"';

export const writable: Need = ({ readOnly }) => !readOnly || 'the bucket is read-only';

export const listable: Need = ({ list }) => list.unsupported !== true || 'capabilities.list.unsupported is true: the store has no listing';

export const nestedKeys: Need = ({ keys }) => keys.nested || 'capabilities.keys.nested is false';

export const ordered: Need = ({ list }) => list.order === 'utf8' || 'capabilities.list.order is none: no order is promised';

export const multipart: Need = ({ multipart: { maxParts } }) => maxParts > 1 || `capabilities.multipart.maxParts is ${maxParts}`;

export const explicitAbort: Need = ({ multipart: { abort } }) => abort === 'explicit' || 'capabilities.multipart.abort is expires: leftovers go by themselves';

export const copies: Need = ({ copy }) => copy !== 'none' || 'capabilities.copy is none';

/** The capability is there, in either form. `label` is its path, for the report. */
export function supports(label: string, of: (capabilities: Capabilities) => Support): Need {
  return (capabilities) => of(capabilities) !== false || `capabilities.${label} is false`;
}

/** The capability is there and atomic. */
export function atomic(label: string, of: (capabilities: Capabilities) => Support): Need {
  return (capabilities) => of(capabilities) === 'native' || `capabilities.${label} is ${of(capabilities)}: nothing is promised of a race`;
}

/** The capability is missing: its use must be refused. */
export function lacks(label: string, of: (capabilities: Capabilities) => boolean): Need {
  return (capabilities) => of(capabilities) || `the store has capabilities.${label}`;
}

export function hook(name: 'makeSecondBucket' | 'presignFetch' | 'maker' | 'secrets' | 'credentialsExpireAt'): Need {
  return (_capabilities: Capabilities, harness: Harness) => harness[name] !== undefined || `the harness has no "${name}"`;
}

export function fault(name: keyof StoreFaults): Need {
  return (_capabilities: Capabilities, { faults }: Harness) => faults?.[name] !== undefined || `the harness has no "faults.${name}"`;
}
