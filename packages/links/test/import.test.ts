import { createHash } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '@stowage/catalog';
import { aroundDriver, concurrencyLayer } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import { importLinks, importReportFiles } from '../src/index.ts';
import { importAll, linksFile, plant, told, world } from './world.ts';

/** A PNG of one pixel: enough of one for its type and dimensions. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAFElEQVR4nGP8z8DAwMDAxAADCBYAHQkBA4nPpUcAAAAASUVORK5CYII=', 'base64');

describe('a mixed file', () => {
  const MIXED = [
    '\ufeff# every kind of line',
    's3://cars/a/1.jpg',
    'MINIO://cars/b/1.jpg\r',
    '',
    'fs://pics/odd #%20 ?&.png',
    'https://x.org/img/c%20d.jpg?size=1',
    'azure://boats/1.jpg',
    'gcs://planes/1.jpg',
    's3://carz/1.jpg',
    'nonsense',
    's3://cars/../1.jpg',
    's3://cars/missing.jpg',
    's3://cars/empty.jpg',
    's3://cars/notes.txt',
    's3://cars/film.mp4',
    's3://cars/page.jpg',
    's3://cars/a/1.jpg',
  ].join('\n');

  it('imports what is good, and tells each other line with its reason; sums match; again adds nothing', async () => {
    const w = await world({});
    const cars = w.memory('cars');
    for (const key of ['a/1.jpg', 'b/1.jpg']) await cars.put(key, key);
    await cars.put('notes.txt', 'words');
    await cars.put('empty.jpg', '');
    await cars.put('page.jpg', '<html>', { contentType: 'text/html; charset=utf-8' });
    plant(join(w.folder, 'pics'), { 'odd #%20 ?&.png': PNG });
    const { report, outcomes } = await importAll(w, [linksFile('mixed.txt', MIXED)]);
    expect(outcomes.map(told)).toEqual([
      '2 imported 1.jpg',
      '3 imported 1_01.jpg',
      '5 imported odd #%20 ?&.png',
      '6 failed unknown-storage: the provider "http" is not installed: run "npm install @stowage/http"',
      expect.stringMatching(
        /^7 failed unknown-storage: no configured storage has the azure bucket "boats"; configured: minio "cars" \("my-cars"\), fs "pics" \("pics"\); /,
      ),
      expect.stringMatching(/^8 failed unknown-storage: no configured storage has the google bucket "planes"/),
      expect.stringMatching(/^9 failed unknown-storage: no configured storage has the minio bucket "carz"; .*did you mean "cars"\?/),
      expect.stringMatching(/^10 failed bad-line: expected <scheme>:\/\/<bucket>\/<key> with a scheme of .*; got no scheme$/),
      '11 failed bad-line: a key cannot hold "." or ".." between slashes',
      expect.stringMatching(/^12 failed missing: /),
      '13 failed empty: the object has no bytes',
      '14 failed wrong-type: expected an image (jpg, jpeg, jfif, mpo, bmp, png, webp, tiff, tif, nrrd); got ".txt"',
      '15 failed wrong-type: expected an image (jpg, jpeg, jfif, mpo, bmp, png, webp, tiff, tif, nrrd); got ".mp4"; import it into a project of videos',
      '16 failed wrong-type: expected an image; its storage has it as text/html',
      '17 present 1.jpg',
    ]);
    expect(report).toMatchObject({
      balanced: true,
      stopped: false,
      faults: [],
      tally: { rows: 15, ignored: 2, imported: 3, present: 1, skipped: 0, failed: 11, renamed: 1 },
    });
    expect(outcomes.every(({ file }) => file === 'mixed.txt')).toBe(true);
    expect(outcomes.find(({ line }) => line === 11)?.column).toBe(11);

    const entities = await Array.fromAsync(w.catalog.entities.stream());
    expect(entities.map(({ name, link, size, mime }) => ({ name, link, size, mime }))).toEqual([
      { name: '1.jpg', link: 's3://cars/a/1.jpg', size: 7, mime: 'image/jpeg' },
      { name: '1_01.jpg', link: 's3://cars/b/1.jpg', size: 7, mime: 'image/jpeg' },
      { name: 'odd #%20 ?&.png', link: 'fs://pics/odd #%20 ?&.png', size: PNG.length, mime: 'image/png' },
    ]);
    expect(entities.every(({ revision }) => revision !== undefined)).toBe(true);

    const before = await w.catalog.fingerprint();
    const again = await importAll(w, [linksFile('mixed.txt', MIXED)]);
    expect(again.report).toMatchObject({ balanced: true, tally: { rows: 15, imported: 0, present: 4, failed: 11 } });
    expect(await w.catalog.fingerprint()).toBe(before);
  });
});

describe('verification', () => {
  it('none asks nothing of a storage', async () => {
    const w = await world({ faults: [{ code: 'AccessDenied' }] });
    const { report } = await importAll(w, [linksFile('a.txt', 's3://cars/1.jpg\ns3://carz/2.jpg\ns3://cars/noext\n')], { verification: 'none' });
    expect(report.tally).toMatchObject({ imported: 1, failed: 2, reasons: { 'unknown-storage': 1, 'wrong-type': 1 } });
  });

  it('full reads the content once: hash, real type and dimensions', async () => {
    const w = await world({});
    const cars = w.memory('cars');
    await cars.put('real.jpg', PNG);
    await cars.put('page.jpg', '<!doctype html><html></html>');
    await cars.put('same.nrrd', 'NRRD0004\ntype: uchar\n');
    const { outcomes } = await importAll(w, [linksFile('a.txt', 's3://cars/real.jpg\ns3://cars/page.jpg\ns3://cars/same.nrrd')], { verification: 'full' });
    expect(outcomes.map(told)).toEqual([
      '1 imported real.jpg',
      expect.stringMatching(/^2 failed wrong-type: expected an image; the content is /),
      '3 imported same.nrrd',
    ]);
    const [first] = await Array.fromAsync(w.catalog.entities.stream());
    expect(first).toMatchObject({ mime: 'image/png', size: PNG.length, hash: createHash('sha256').update(PNG).digest('base64'), width: 3, height: 2 });
  });

  it.each([
    ['AccessDenied', 'denied'],
    ['Unauthenticated', 'denied'],
    ['Unavailable', 'unreachable'],
    ['Timeout', 'unreachable'],
    ['BucketNotFound', 'missing'],
  ] as const)('%s fails the line as %s, and the rest goes on', async (code, reason) => {
    const w = await world({ faults: [{ operation: 'head', key: '1.jpg', code }] });
    await w.memory('cars').put('2.jpg', 'two');
    const { outcomes } = await importAll(w, [linksFile('a.txt', 's3://cars/1.jpg\ns3://cars/2.jpg')]);
    expect(outcomes.map(({ outcome, reason: why }) => [outcome, why])).toEqual([
      ['failed', reason],
      ['imported', undefined],
    ]);
  });

  it('never asks for more at once than the layer of the storages allows', async () => {
    let inFlight = 0;
    let most = 0;
    const w = await world({
      layers: [
        (inner) =>
          aroundDriver(inner, {
            async around(_call, o, run) {
              most = Math.max(most, ++inFlight);
              await new Promise((resolve) => setImmediate(resolve));
              const result = await run(o);
              inFlight--;
              return result;
            },
          }),
        concurrencyLayer(7),
      ],
    });
    const keys = Array.from({ length: 3000 }, (_, i) => `${i}.jpg`);
    for (const key of keys) await w.memory('cars').put(key, key);
    const { report } = await importAll(w, [linksFile('a.txt', keys.map((key) => `s3://cars/${key}\n`).join(''))]);
    expect(report.tally).toMatchObject({ imported: 3000, failed: 0 });
    expect(most).toBe(7);
  });
});

describe('datasets', () => {
  const datasets = async (w: Awaited<ReturnType<typeof world>>): Promise<string[]> => {
    const project = await w.catalog.projects.find('P');
    const all = await w.catalog.datasets.list(project?.id ?? 0);
    const path = (id: number | undefined): string => {
      const found = all.find((one) => one.id === id);
      return found === undefined ? '' : `${path(found.parentId)}/${found.name}`;
    };
    return all.map(({ id }) => path(id));
  };

  it('are one for each file, or one for all, or nested as the folders of the keys', async () => {
    const files = [linksFile('d/x.txt', 's3://cars/a/b/1.jpg\ns3://cars/2.jpg'), linksFile('y.csv', 'url;tag\ns3://cars/a/3.jpg;cat,dog')];
    const each = await world({});
    await importAll(each, files, { verification: 'none' });
    expect(await datasets(each)).toEqual(['/x', '/y']);
    expect((await Array.fromAsync(each.catalog.entities.stream())).map(({ tags }) => tags)).toEqual([[], [], ['cat', 'dog']]);
    const one = await world({});
    await importAll(one, files, { verification: 'none', dataset: 'all' });
    expect(await datasets(one)).toEqual(['/all']);
    const nested = await world({});
    await importAll(nested, files, { verification: 'none', datasetsByFolder: true });
    expect(await datasets(nested)).toEqual(['/x', '/x/a', '/x/a/b', '/y', '/y/a']);
  });

  it('keep names apart: rename, skip or replace', async () => {
    const file = [linksFile('x.txt', 's3://cars/a/1.jpg\ns3://cars/b/1.jpg\n')];
    for (const [mode, second] of [
      ['rename', '2 imported 1_01.jpg'],
      ['skip', '2 skipped 1.jpg name-taken: the dataset has "1.jpg" already'],
      ['replace', '2 imported 1.jpg'],
    ] as const) {
      const w = await world({});
      const { outcomes, report } = await importAll(w, file, { verification: 'none', onNameTaken: mode });
      expect(outcomes.map(told)).toEqual(['1 imported 1.jpg', second]);
      expect(report.balanced).toBe(true);
    }
  });

  it('a project of another type refuses, and nothing is made', async () => {
    const w = await world({});
    await w.catalog.projects.create({ name: 'P', type: 'videos' });
    await expect(importAll(w, [linksFile('x.txt', '')], { type: 'images' })).rejects.toMatchObject({ name: 'CatalogError', code: 'AlreadyExists' });
    expect((await importAll(w, [linksFile('x.txt', 's3://cars/1.mp4')], { verification: 'none' })).report.tally.imported).toBe(1);
  });
});

describe('a dry run', () => {
  it('comes to what the run comes to, and changes nothing', async () => {
    const w = await world({});
    await importAll(w, [linksFile('x.txt', 's3://cars/a/1.jpg')], { verification: 'none' });
    const before = await w.catalog.fingerprint();
    const more = [
      linksFile('x.txt', 's3://cars/a/1.jpg\ns3://cars/b/1.jpg\ns3://cars/c/2.jpg\ns3://cars/c/2.jpg\nbad'),
      linksFile('new.txt', 's3://cars/1.jpg'),
    ];
    const scratch = await openCatalog(join(w.folder, 'scratch.sqlite'));
    const dry = await importAll(w, more, { verification: 'none', scratch });
    await scratch.close();
    expect(await w.catalog.fingerprint()).toBe(before);
    expect((await w.catalog.projects.list()).length).toBe(1);
    const real = await importAll(w, more, { verification: 'none' });
    expect(dry.outcomes.map(({ outcome }) => outcome)).toEqual(real.outcomes.map(({ outcome }) => outcome));
    expect(dry.report.tally).toEqual(real.report.tally);
  });
});

describe('reports', () => {
  it('tell every line, and give the failed ones back as they were', async () => {
    const w = await world({});
    await w.memory('cars').put('1.jpg', 'x');
    const bad = Buffer.concat([Buffer.from('s3://cars/\xe9', 'latin1'), Buffer.from(';tag\n')]);
    const csv = Buffer.concat([Buffer.from('s3://cars/1.jpg;cat\n"s3://cars/2;""x"".jpg";dog\n'), bad]);
    const files = [linksFile('a.csv', csv), linksFile('b.txt', `bad, "line"\ns3://cars/${'k'.repeat(70_000)}\n`)];
    const folder = join(w.folder, 'report');
    await importAll(w, files, { reportFiles: importReportFiles(folder) });
    const rows = readFileSync(join(folder, 'report.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map(({ file, line, outcome, reason }) => [file, line, outcome, reason])).toEqual([
      ['a.csv', 1, 'imported', undefined],
      ['a.csv', 2, 'failed', 'missing'],
      ['a.csv', 3, 'failed', 'bad-line'],
      ['b.txt', 1, 'failed', 'bad-line'],
      ['b.txt', 2, 'failed', 'bad-line'],
    ]);
    const table = readFileSync(join(folder, 'report.csv'), 'utf8').split('\n');
    expect(table[0]).toBe('file,line,column,outcome,reason,message,link,dataset,name,id');
    expect(table[1]).toMatch(/^a\.csv,1,1,imported,,,s3:\/\/cars\/1\.jpg,a,1\.jpg,\d+$/);
    expect(table).toHaveLength(7);
    expect(readFileSync(join(folder, 'failed/a.csv'))).toEqual(Buffer.concat([Buffer.from('"s3://cars/2;""x"".jpg";dog\n'), bad]));
    expect(readFileSync(join(folder, 'failed/b.txt'), 'utf8')).toBe(
      'bad, "line"\n# line 2 is left out: the line is longer than 65,536 bytes; expected one link a line\n',
    );
  });
});

describe('an import that was interrupted', () => {
  const failingAt = (batch: number): { outcomes(): void } => {
    let batches = 0;
    return {
      outcomes(): void {
        if (++batches === batch) throw new Error('the power went');
      },
    };
  };

  it('goes on behind what it committed, with one report and one sum', async () => {
    const w = await world({});
    const lines = Array.from({ length: 25_000 }, (_, i) => (i % 1000 === 7 ? 'bad' : `s3://cars/${i}.jpg`));
    const content = `# head\n${lines.join('\n')}\n`;
    const folder = join(w.folder, 'report');
    const o = { verification: 'none' as const };
    const source = linksFile('a.txt', content, 'a.txt of that time');
    await expect(importAll(w, [source], { ...o, reportFiles: importReportFiles(folder), observer: failingAt(2) })).rejects.toThrow('the power went');
    const { report, outcomes } = await importAll(w, [source], { ...o, reportFiles: importReportFiles(folder) });
    // What a step had not told yet is looked at again, and found there.
    expect(outcomes[0]?.line).toBe(5002);
    expect(report).toMatchObject({ balanced: true, resumed: { rows: 5000, failed: 5, ignored: expect.any(Number) } });
    expect(report.tally).toMatchObject({ rows: 25_000, ignored: 1, failed: 25, imported: 24_975 - 4995, present: 4995 });
    expect((await w.catalog.entities.count()).entities).toBe(24_975);
    const lineNumbers = readFileSync(join(folder, 'report.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { line: number }).line);
    expect(lineNumbers).toEqual(Array.from({ length: 25_000 }, (_, i) => i + 2));
    // It came to its end: the next one begins anew.
    const third = await importAll(w, [source], o);
    expect(third.report.resumed).toBeUndefined();
    expect(third.report.tally).toMatchObject({ imported: 0, present: 24_975, failed: 25 });
  });

  it('whose report is gone begins anew', async () => {
    const w = await world({});
    const source = linksFile('a.txt', Array.from({ length: 12_000 }, (_, i) => `s3://cars/${i}.jpg\n`).join(''), 'id');
    const folder = join(w.folder, 'report');
    await expect(importAll(w, [source], { verification: 'none', reportFiles: importReportFiles(folder), observer: failingAt(2) })).rejects.toThrow(
      'the power went',
    );
    rmSync(folder, { recursive: true });
    const { report } = await importAll(w, [source], { verification: 'none', reportFiles: importReportFiles(folder) });
    expect(report.resumed).toBeUndefined();
    expect(report.tally).toMatchObject({ rows: 12_000, present: 10_000, imported: 2000 });
  });

  it('whose report cannot be looked at fails with the reason, and begins nothing anew', async () => {
    const w = await world({});
    const source = linksFile('a.txt', Array.from({ length: 12_000 }, (_, i) => `s3://cars/${i}.jpg\n`).join(''), 'id');
    const folder = join(w.folder, 'report');
    const o = { verification: 'none' as const };
    await expect(importAll(w, [source], { ...o, reportFiles: importReportFiles(folder), observer: failingAt(2) })).rejects.toThrow('the power went');
    rmSync(folder, { recursive: true });
    symlinkSync(folder, folder);
    await expect(importAll(w, [source], { ...o, reportFiles: importReportFiles(folder) })).rejects.toMatchObject({ code: 'ELOOP', syscall: 'stat' });
    rmSync(folder);
    expect((await importAll(w, [source], { ...o, reportFiles: importReportFiles(folder) })).report.tally).toMatchObject({ present: 10_000, imported: 2000 });
  });

  it('by stop ends at a step, and says so', async () => {
    const w = await world({});
    const source = linksFile('a.txt', Array.from({ length: 25_000 }, (_, i) => `s3://cars/${i}.jpg\n`).join(''), 'id');
    const common = { catalog: w.catalog, storages: w.storages, project: 'P', sources: [source], verification: 'none' as const, now: () => 0 };
    const job = importLinks({ ...common, observer: { outcomes: () => job.stop() } });
    const first = await job.report;
    expect(first).toMatchObject({ stopped: true, balanced: true, tally: { imported: 5000 } });
    expect(await importLinks(common).report).toMatchObject({ stopped: false, resumed: { rows: 5000 }, tally: { rows: 25_000, imported: 25_000 } });
  });
});
