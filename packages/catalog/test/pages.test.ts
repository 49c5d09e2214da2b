import { compareKeys } from '@stowage/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Catalog, EntityFilter, EntityOrder } from '../src/index.ts';
import { collect, onEachEngine, withDataset } from './engines.ts';

/** Two projects, nested datasets whose ids are mixed, links of several schemes, in other orders than their ids'. */
async function fill(catalog: Catalog): Promise<{ cars: number; boats: number; all: number; inner: number }> {
  const { projectId: cars, datasetId: all } = await withDataset(catalog, 'cars');
  const { projectId: boats, datasetId: harbour } = await withDataset(catalog, 'boats');
  const { id: inner } = await catalog.datasets.ensure({ projectId: cars, parentId: all, name: 'inner' });
  await catalog.datasets.ensure({ projectId: cars, parentId: inner, name: 'empty' });
  const datasets = [all, harbour, inner];
  await catalog.entities.add(
    Array.from({ length: 60 }, (_, i) => ({
      datasetId: datasets[i % 3] as number,
      name: `${i}.jpg`,
      size: i,
      ...(i % 4 === 0 ? undefined : { link: `${i % 5 === 0 ? 'azure' : 's3'}://b${i % 2}/${(i * 37) % 60}\u{1f600}`.replace(/0\u{1f600}$/u, '0\ue000') }),
      ...(i % 4 < 2 ? { local: `/b/${i}` } : undefined),
    })),
  );
  return { cars, boats, all, inner };
}

onEachEngine('pages', (engine) => {
  it('walks each filter in each order, whatever the size of a page', { timeout: 60_000 }, async () => {
    const catalog = await engine.open();
    const { cars, boats, all, inner } = await fill(catalog);
    const everything = await collect(catalog.entities.stream());
    expect(everything).toHaveLength(60);
    const cases: [EntityFilter, (entity: (typeof everything)[number]) => boolean][] = [
      [{}, () => true],
      [{ projectId: cars }, ({ datasetId }) => datasetId === all || datasetId === inner],
      [{ projectId: String(boats) }, ({ datasetId }) => datasetId !== all && datasetId !== inner],
      [{ datasetId: all }, ({ datasetId }) => datasetId === all],
      [{ datasetId: all, nested: true }, ({ datasetId }) => datasetId === all || datasetId === inner],
      [{ projectId: boats, datasetId: all }, () => false],
      [{ linked: true }, ({ link }) => link !== undefined],
      [{ projectId: cars, linked: false }, ({ link, datasetId }) => link === undefined && (datasetId === all || datasetId === inner)],
      [{ local: true, linked: true }, ({ link, local }) => link !== undefined && local !== undefined],
      [{ local: false }, ({ local }) => local === undefined],
      [{ linkPrefix: 's3://' }, ({ link = '' }) => link.startsWith('s3://')],
      [{ linkPrefix: 's3://b1/1', projectId: cars }, ({ link = '', datasetId }) => link.startsWith('s3://b1/1') && (datasetId === all || datasetId === inner)],
      [{ linkPrefix: 's3://none/' }, () => false],
    ];
    for (const [filter, takes] of cases) {
      for (const order of ['id', 'link'] satisfies EntityOrder[]) {
        const expected = everything
          .filter((entity) => takes(entity) && (order === 'id' || entity.link !== undefined))
          .sort((a, b) =>
            order === 'id' ? a.datasetId - b.datasetId || a.id - b.id : compareKeys(a.link ?? '', b.link ?? '') || a.datasetId - b.datasetId || a.id - b.id,
          );
        for (const limit of [1, 7, 1000]) {
          const pages = await collect(catalog.entities.pages(filter, { order, limit }));
          expect(
            pages.flatMap(({ entities }) => entities),
            JSON.stringify([filter, order, limit]),
          ).toEqual(expected);
          expect(pages).toHaveLength(Math.max(1, Math.ceil(expected.length / limit)));
        }
      }
    }
  });

  it('goes on behind a cursor in another process, past what came and went', async () => {
    const catalog = await engine.open();
    const { cars, all } = await fill(catalog);
    const other = await engine.open();
    for (const order of ['id', 'link'] satisfies EntityOrder[]) {
      const whole = await collect(catalog.entities.stream({ projectId: cars }, { order }));
      const first = await catalog.entities.page({ projectId: cars }, { order, limit: 10 });
      await other.entities.remove([whole[9]?.id ?? 0, whole[10]?.id ?? 0]);
      await other.entities.add([{ datasetId: all, name: `late ${order}.jpg` }]);
      const rest = await collect(other.entities.stream({ projectId: cars }, { order, limit: 4, cursor: first.cursor ?? '' }));
      expect([...first.entities, ...rest].filter(({ name }) => !name.startsWith('late'))).toEqual(whole.filter((_, i) => i !== 10));
    }
  });

  it('tells faults of filters, cursors and limits', async () => {
    const catalog = await engine.open();
    const { cars } = await fill(catalog);
    const { cursor = '' } = await catalog.entities.page({}, { limit: 1 });
    await expect(catalog.entities.page({}, { order: 'link', cursor })).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringContaining('order "link"'),
    });
    await expect(catalog.entities.page({}, { cursor: 'x' })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.entities.page({}, { order: 'name' as never })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.entities.page({}, { limit: 0 })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.entities.page({}, { limit: 10_001 })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.entities.page({ projectId: 99 })).rejects.toMatchObject({ code: 'NotFound' });
    await expect(catalog.entities.page({ projectId: cars, datasetId: 99 })).rejects.toMatchObject({ code: 'NotFound' });
    await expect(catalog.entities.count({ datasetId: 99 })).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('stops with the reason of a signal', async () => {
    const catalog = await engine.open();
    await fill(catalog);
    const stop = new AbortController();
    let met = 0;
    const walk = async (): Promise<void> => {
      for await (const entity of catalog.entities.stream({}, { limit: 5, signal: stop.signal }))
        if (entity.id > 0 && ++met === 5) stop.abort(new Error('enough'));
    };
    await expect(walk()).rejects.toThrow('enough');
    expect(met).toBe(5);
  });

  it('counts, in all and by dataset', async () => {
    const catalog = await engine.open();
    const { cars, all, inner } = await fill(catalog);
    expect(await catalog.entities.count()).toEqual({ entities: 60, linked: 45, local: 30, bytes: 1770 });
    const ofCars = await catalog.entities.countByDataset({ projectId: cars });
    expect(ofCars.map(({ datasetId, entities }) => [datasetId, entities])).toEqual([
      [all, 20],
      [inner, 20],
    ]);
    expect(await catalog.entities.count({ projectId: cars, linkPrefix: 'azure://' })).toMatchObject({ entities: 6, linked: 6 });
    const { datasetId: none } = await withDataset(catalog, 'none');
    expect(await catalog.entities.count({ datasetId: none })).toEqual({ entities: 0, linked: 0, local: 0, bytes: 0 });
  });

  it('fingerprints what a filter takes: every change shows, and no other', async () => {
    const catalog = await engine.open({ now: () => new Date(0) });
    const { cars, boats, all } = await fill(catalog);
    const before = {
      cars: await catalog.fingerprint({ projectId: cars }),
      boats: await catalog.fingerprint({ projectId: boats }),
      all: await catalog.fingerprint(),
    };
    const [entity] = (await catalog.entities.page({ datasetId: all })).entities;
    await catalog.entities.update([{ id: entity?.id ?? 0, tags: ['changed'] }]);
    expect(await catalog.fingerprint({ projectId: cars })).not.toBe(before.cars);
    expect(await catalog.fingerprint({ projectId: boats })).toBe(before.boats);
    expect(await catalog.fingerprint()).not.toBe(before.all);
    await catalog.entities.update([{ id: entity?.id ?? 0, tags: [] }]);
    expect(await catalog.fingerprint({ projectId: cars })).toBe(before.cars);
    await catalog.datasets.ensure({ projectId: boats, name: 'new' });
    expect(await catalog.fingerprint({ projectId: boats })).not.toBe(before.boats);
  });

  it('orders links by UTF-8 bytes, whatever their characters', async () => {
    const catalog = await engine.open();
    const { projectId } = await withDataset(catalog);
    let run = 0;
    const key = fc.string({ unit: fc.constantFrom('a', 'B', '-', '/x', 'é', 'e\u0301', '\ue000', '\u{1f600}', ' ', 'ß', '1'), minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { maxLength: 12 }), async (keys) => {
        const { id: datasetId } = await catalog.datasets.create({ projectId, name: `run ${++run}` });
        const links = keys.map((text) => `s3://b/${text}`);
        await catalog.entities.add(links.map((link) => ({ datasetId, name: 'n', link })));
        const found = await collect(catalog.entities.stream({ datasetId }, { order: 'link', limit: 3 }));
        expect(found.map(({ link }) => link)).toEqual(links.sort(compareKeys));
      }),
      { numRuns: 30 },
    );
  });
});
