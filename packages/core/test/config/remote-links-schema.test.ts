import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

import { remoteLinksJsonSchema } from '../../src/config/index.ts';

const published: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../schema/remote-links.schema.json'), 'utf8'));
const sample = readFileSync(join(import.meta.dirname, '../samples/remote_links.yml'), 'utf8');

describe('the published JSON Schema', () => {
  it('is the one that the schema makes: run "pnpm schema" in packages/core after a change', () => {
    expect(published).toEqual(remoteLinksJsonSchema());
  });

  it('accepts the published sample, and refuses what editors shall underline', () => {
    const schema = z.fromJSONSchema(remoteLinksJsonSchema());
    const entries = parse(sample, { uniqueKeys: false }) as Record<string, Record<string, unknown>>;
    const cars = entries['my-car-datasets'];
    expect(schema.safeParse(entries).success).toBe(true);
    expect(schema.safeParse({ a: { ...cars, secret_key: { file: 'x' } } }).success).toBe(true);
    for (const wrong of [
      { ...cars, provider: 's3' },
      { ...cars, buckets: 'b' },
      { ...cars, buckets: [] },
      { ...cars, secret_key: { path: 'x' } },
      { provider: 'fs' },
      'text',
    ])
      expect(schema.safeParse({ a: wrong }).success, JSON.stringify(wrong)).toBe(false);
  });
});
