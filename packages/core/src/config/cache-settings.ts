import { readDuration } from '../units/duration.ts';
import type { ReadUnit } from '../units/read-unit.ts';
import { readSize } from '../units/size.ts';
import { quoted } from '../wording/quoted.ts';
import type { ProblemParts } from './config-problem.ts';

/** How much of one kind of file is kept on the local disk, and for how long. */
export interface CacheLimits {
  readonly sizeBytes: number;
  readonly expiresMs: number;
}

export interface CacheSettings {
  readonly previews: CacheLimits;
  readonly storage: CacheLimits;
  readonly imageConverter: CacheLimits;
}

/** The variables, with the values that they have where they are not set. */
export const CACHE_DEFAULTS = {
  CACHE_PREVIEWS_SIZE: '1g',
  CACHE_PREVIEWS_EXPIRES: '12h',
  CACHE_STORAGE_SIZE: '10g',
  CACHE_STORAGE_EXPIRES: '7d',
  CACHE_IMAGE_CONVERTER_SIZE: '10g',
  CACHE_IMAGE_CONVERTER_EXPIRES: '7d',
} as const;

type CacheVariable = keyof typeof CACHE_DEFAULTS;

/** The six settings; one that cannot be read is told and has its default. `value`: undefined for a variable that is not set. */
export function readCacheSettings(value: (name: string) => string | undefined, report: (name: string, parts: ProblemParts) => void): CacheSettings {
  const read = (name: CacheVariable, unit: (text: string) => ReadUnit): number => {
    const fallback = CACHE_DEFAULTS[name];
    const given = unit(value(name) ?? fallback);
    if (given.ok) return given.value;
    report(name, { fault: given.reason, advice: `${quoted(fallback)} is used` });
    const standard = unit(fallback);
    return standard.ok ? standard.value : 0;
  };
  return {
    previews: { sizeBytes: read('CACHE_PREVIEWS_SIZE', readSize), expiresMs: read('CACHE_PREVIEWS_EXPIRES', readDuration) },
    storage: { sizeBytes: read('CACHE_STORAGE_SIZE', readSize), expiresMs: read('CACHE_STORAGE_EXPIRES', readDuration) },
    imageConverter: { sizeBytes: read('CACHE_IMAGE_CONVERTER_SIZE', readSize), expiresMs: read('CACHE_IMAGE_CONVERTER_EXPIRES', readDuration) },
  };
}
