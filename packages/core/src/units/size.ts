import { StorageError } from '../storage-error.ts';
import { quoted } from '../wording/quoted.ts';
import type { ReadUnit } from './read-unit.ts';

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const SIZE = /^(\d{1,16}(?:\.\d{1,6})?)(?: ?(?:b|([kmgt])(i?b)?))?$/i;
const EXPECTED = 'expected a size such as 512, 64k, 10m, 1.5g or 10GiB (k, m, g, t count in 1,024s)';

/**
 * Bytes from a size as nginx writes it: `512`, `64k`, `10m`, `1.5g`, `2t`, in any case; also `10GiB`. Every unit counts in
 * 1,024s. `10GB` is refused, for it means 10,000,000,000 to some. Fractions of a byte are dropped. Throws `InvalidArgument`.
 */
export function parseSize(text: string): number {
  const read = readSize(text);
  if (!read.ok) throw new StorageError('InvalidArgument', read.reason);
  return read.value;
}

/** As {@link parseSize}, but gives the reason back. */
export function readSize(text: string): ReadUnit {
  const match = SIZE.exec(text);
  if (!match) return { ok: false, reason: `${EXPECTED}; got ${quoted(text, 40)}` };
  const [, amount = '', letter = '', suffix = ''] = match;
  const unit = letter.toLowerCase();
  if (suffix.length === 1) {
    const said = `${amount}${letter.toUpperCase()}`;
    return { ok: false, reason: `expected "${amount}${unit}" or "${said}iB" for 1,024s; got ${quoted(text, 40)}, which may mean 1,000s` };
  }
  const value = Math.floor(Number(amount) * (FACTORS[unit] ?? 1));
  return Number.isSafeInteger(value) ? { ok: true, value } : { ok: false, reason: `expected a size under 8192t; got ${quoted(text, 40)}` };
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes for people, with one digit behind the point from 1 KiB on: `512 B`, `1.4 GiB`. `parseSize` reads it up to TiB. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1,023.95 KiB would be written as 1024.0 KiB.
  while (Math.abs(value) >= (unit === 0 ? 1024 : 1023.95) && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
