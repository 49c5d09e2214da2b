import { type Bucket, type Fault, formatLink } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckReport, checkLinks, type Finding } from '../src/index.ts';
import { importAll, linksFile, type World, world } from './world.ts';

async function check(
  w: World,
  listing: 'auto' | 'never' = 'auto',
): Promise<{ readonly report: CheckReport; readonly found: readonly string[]; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const { catalog, storages } = w;
  const report = await checkLinks({ catalog, storages, listing, now: () => 0, observer: { findings: (some) => void findings.push(...some) } }).report;
  return { report, findings, found: findings.map(({ kind, link }) => `${kind} ${link}`).sort() };
}

async function imported(w: World, keys: readonly string[]): Promise<Bucket> {
  const cars = w.memory('cars');
  for (const key of keys) await cars.put(key, `content of ${key}`);
  const links = keys.map((key) => `${formatLink({ kind: 'object', provider: 'minio', bucket: 'cars', key })}\n`);
  const { report } = await importAll(w, [linksFile('x.txt', links.join(''))]);
  expect(report.tally.imported).toBe(keys.length);
  return cars;
}

describe('check', () => {
  it('finds each of 100 changes among 10,000, and nothing else, by pages and a head for each finding', async () => {
    const w = await world({});
    const keys = Array.from({ length: 10_000 }, (_, i) => `photos/${String(i).padStart(5, '0')}.jpg`);
    const cars = await imported(w, keys);
    expect((await check(w)).report).toMatchObject({ checked: 10_000, ok: 10_000 });
    const expected: string[] = [];
    for (let i = 0; i < 100; i++) {
      const key = keys[(i * 997) % keys.length] as string;
      if (i % 3 === 0) await cars.delete(key);
      else await cars.put(key, i % 3 === 1 ? 'of another size' : `content of ${key}`);
      expected.push(`${i % 3 === 0 ? 'gone' : 'changed'} s3://cars/${key}`);
    }
    const { report, found } = await check(w);
    expect(found).toEqual(expected.sort());
    expect(report).toMatchObject({ checked: 10_000, ok: 9_900, counts: { gone: 34, changed: 66, denied: 0, unreachable: 0 } });
    // A head for what begins a listing and for what is doubtful; pages for the rest.
    expect(report.requests.pages).toBeLessThanOrEqual(12);
    expect(report.requests.heads).toBeLessThanOrEqual(102);
    expect((await check(w, 'never')).found).toEqual(expected);
  });

  it('asks one by one where the linked objects lie far apart', async () => {
    const w = await world({});
    const cars = w.memory('cars');
    for (let i = 0; i < 30_000; i++) await cars.put(`f/${String(i).padStart(5, '0')}.jpg`, 'x');
    const keys = Array.from({ length: 100 }, (_, i) => `f/${String(i * 300).padStart(5, '0')}.jpg`);
    await importAll(w, [linksFile('x.txt', keys.map((key) => `s3://cars/${key}\n`).join(''))]);
    const { report } = await check(w);
    expect(report).toMatchObject({ ok: 100 });
    expect(report.requests.pages).toBeLessThanOrEqual(2);
    expect(report.requests.heads).toBeLessThanOrEqual(101);
  });

  it.each([
    ['AccessDenied', 'denied'],
    ['Unavailable', 'unreachable'],
  ] as const)('tells %s as %s, for the one object', async (code, kind) => {
    const faults: Fault[] = [];
    const w = await world({ faults });
    await imported(w, ['0.jpg', '1.jpg', '2.jpg']);
    faults.push({ operation: 'head', key: '1.jpg', code });
    expect((await check(w)).found).toEqual([`${kind} s3://cars/1.jpg`]);
  });

  it('asks for each object where listing is denied, and tells buckets that are configured no more', async () => {
    const w = await world({ faults: [{ operation: 'list', code: 'AccessDenied' }] });
    const keys = Array.from({ length: 50 }, (_, i) => `${i}.jpg`);
    const cars = await imported(w, keys);
    await cars.delete('7.jpg');
    await importAll({ ...w }, [linksFile('y.txt', 's3://other/1.jpg')], {
      verification: 'none',
      storages: (await world({ memoryBuckets: ['other'] })).storages,
    });
    const { found, report } = await check(w);
    expect(found).toEqual(['gone s3://cars/7.jpg', 'unknown-storage s3://other/1.jpg']);
    expect(report).toMatchObject({ checked: 51, ok: 49 });
  });

  it('of any keys, by listing or one by one, finds the same', async () => {
    const key = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 6 })
      .map((text) => `${text.replaceAll(/[\n\0\r.]/g, 'x')}.jpg`)
      .filter((text) => !text.startsWith('/') && !text.includes('//'));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 22, maxLength: 60 }), fc.infiniteStream(fc.nat(9)), async (keys, fate) => {
        const w = await world({});
        const cars = await imported(w, keys);
        const expected: string[] = [];
        for (const one of keys) {
          const chance = fate.next().value;
          const link = formatLink({ kind: 'object', provider: 'minio', bucket: 'cars', key: one });
          if (chance === 0) {
            await cars.delete(one);
            expected.push(`gone ${link}`);
          } else if (chance === 1) {
            await cars.put(one, 'other');
            expected.push(`changed ${link}`);
          }
        }
        expect((await check(w)).found).toEqual(expected.sort());
        expect((await check(w, 'never')).found).toEqual(expected);
        await w[Symbol.asyncDispose]();
      }),
      { numRuns: 15 },
    );
  });
});
