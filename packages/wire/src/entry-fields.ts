import { StorageError } from '@stowage/core';

/** An entry of the configuration, as it is written. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads the fields of a provider's entries. Each throws `Config`, which names the field and never its value: that may be a secret at the wrong place. */
export interface EntryReader {
  readonly text: (fields: Fields, name: string) => string | undefined;
  readonly flag: (fields: Fields, name: string) => boolean | undefined;
  readonly oneOf: <T extends string>(fields: Fields, name: string, values: readonly T[]) => T | undefined;
  /** The endpoint, where there is one, with the entry's `port`, where it names none itself. */
  readonly withPort: <E extends string | undefined>(fields: Fields, endpoint: E) => E | string;
  /** `name` is empty where the entry as a whole is meant. */
  readonly fault: (name: string, expected: string) => StorageError;
}

export function entryReader(provider: string): EntryReader {
  const fault = (name: string, expected: string): StorageError =>
    new StorageError('Config', `${name === '' ? '' : `${name}: `}expected ${expected}`, { provider });
  return {
    fault,
    text(fields, name) {
      const value = fields[name];
      if (value === undefined || (typeof value === 'string' && value !== '')) return value;
      throw fault(name, 'a text');
    },
    flag(fields, name) {
      const value = fields[name];
      if (value === undefined || typeof value === 'boolean') return value;
      throw fault(name, 'true or false');
    },
    oneOf(fields, name, values) {
      const value = fields[name];
      if (value === undefined) return undefined;
      const known = values.find((each) => each === value);
      if (known === undefined) throw fault(name, `one of ${values.join(', ')}`);
      return known;
    },
    withPort({ port }, endpoint) {
      if (port === undefined) return endpoint;
      if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) throw fault('port', 'a port number');
      return endpoint === undefined || /:\d+$/.test(endpoint) ? endpoint : `${endpoint}:${port}`;
    },
  };
}
