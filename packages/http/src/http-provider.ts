import { type BucketDriver, parseDuration, parseSize, type Provider, StorageError } from '@stowage/core';
import { diagnose } from './diagnose.ts';
import { httpDriver } from './http-driver.ts';
import { assertUsable, type HttpOptions } from './http-options.ts';

/** Public links: each one is a whole URL, read and never written. */
export const http: Provider<HttpOptions> = {
  name: 'http',
  schemes: ['http', 'https'],
  parseConfig,
  open: (options, bucket): BucketDriver => httpDriver(options, bucket),
  diagnose,
};

type Fields = Readonly<Record<string, unknown>>;

/** Reads what each field of an entry gives; the fields that are not there give nothing. */
const READERS: Readonly<Record<string, (fields: Fields, name: string) => HttpOptions>> = {
  allow_hosts: (fields, name) => ({ allowHosts: texts(fields, name) }),
  allow_networks: (fields, name) => ({ allowNetworks: texts(fields, name) }),
  allow_ports: (fields, name) => ({ allowPorts: numbers(fields, name) }),
  allow_http: (fields, name) => ({ allowHttp: flag(fields, name) }),
  max_size: (fields, name) => ({ maxBytes: unit(fields, name, parseSize) }),
  max_redirects: (fields, name) => ({ maxRedirects: number(fields[name], name) }),
  answer_timeout: (fields, name) => ({ answerTimeoutMs: unit(fields, name, parseDuration) }),
  silence_timeout: (fields, name) => ({ silenceMs: unit(fields, name, parseDuration) }),
  total_timeout: (fields, name) => ({ totalMs: unit(fields, name, parseDuration) }),
  ca: (fields, name) => ({ ca: text(fields[name], name) }),
};

/** An entry of `remote_links.yml`, or nothing but the provider's name, for which every default holds. */
function parseConfig(entry: unknown): HttpOptions {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw fault('', 'a mapping');
  const fields = entry as Fields;
  const read = Object.entries(READERS).map(([name, reader]) => (fields[name] === undefined ? {} : reader(fields, name)));
  const options: HttpOptions = Object.assign({}, ...read) as HttpOptions;
  // What cannot work is told here, where the entry is known, and not at the first link.
  assertUsable(options);
  return options;
}

function texts(fields: Fields, name: string): readonly string[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw fault(name, 'a list of texts');
  return value.map((item, i) => text(item, `${name}[${i}]`));
}

function numbers(fields: Fields, name: string): readonly number[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw fault(name, 'a list of numbers');
  return value.map((item, i) => number(item, `${name}[${i}]`));
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw fault(name, 'a text');
  return value;
}

/** A YAML file gives its numbers as texts. */
function number(value: unknown, name: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value);
  throw fault(name, 'a whole number');
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw fault(name, 'true or false');
  return value;
}

/** A size or duration as text; a bare number is bytes or seconds. */
function unit(fields: Fields, name: string, parse: (text: string) => number): number {
  const value = fields[name];
  try {
    return parse(typeof value === 'number' ? String(value) : text(value, name));
  } catch (error) {
    throw error instanceof StorageError && error.code !== 'Config' ? fault(name, error.message.replace(/^expected /, '')) : error;
  }
}

function fault(name: string, expected: string): StorageError {
  return new StorageError('Config', `${name === '' ? '' : `${name}: `}expected ${expected}`, { provider: 'http' });
}
