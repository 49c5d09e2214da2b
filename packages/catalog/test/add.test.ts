import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AddOutcome, NameConflict, NewEntity } from '../src/index.ts';
import { numberedName } from '../src/numbered-name.ts';
import { collect, onEachEngine, withDataset } from './engines.ts';

function kinds(outcomes: readonly AddOutcome[]): string[] {
  return outcomes.map((outcome) => ('name' in outcome ? `${outcome.kind} ${outcome.name}` : outcome.kind));
}

onEachEngine('adding entities', (engine) => {
  it('keeps everything that is said of an entity', async () => {
    const now = new Date('2026-11-01T10:00:00.123Z');
    const catalog = await engine.open({ now: () => now });
    const { datasetId } = await withDataset(catalog);
    const entity = {
      name: 'Ä "q" \\ {x},NULL 🚗.jpg',
      local: '/stowage-private/images/original/P/a/kn/1.jpg',
      link: 's3://cars_2020/a b/"c"\\{d},e?x=1#h%20.jpg',
      revision: { etag: '"abc"', version: '17' },
      hash: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
      size: 5_000_000_000_000,
      mime: 'image/jpeg',
      width: 1920,
      height: 1080,
      meta: { camera: { lens: 'NULL', '\0': [1.5, null, true] } },
      tags: ['day', 'a,b', '"', 'NULL'],
    } satisfies Omit<NewEntity, 'datasetId'>;
    const [outcome] = await catalog.entities.add([{ datasetId: String(datasetId), ...entity }]);
    expect(outcome).toEqual({ kind: 'added', id: expect.any(Number), name: entity.name, renamed: false });
    const id = outcome?.kind === 'added' ? outcome.id : 0;
    expect(await catalog.entities.get(id)).toEqual({ id, datasetId, ...entity, version: 1, createdAt: now, updatedAt: now });
    expect(await catalog.entities.getMany([999, String(id)])).toEqual([undefined, expect.objectContaining({ id })]);
    await catalog.entities.add([{ datasetId, name: 'bare' }]);
    expect((await catalog.entities.page()).entities[1]).toEqual({
      id: expect.any(Number),
      datasetId,
      name: 'bare',
      meta: {},
      tags: [],
      version: 1,
      createdAt: now,
      updatedAt: now,
    });
  });

  it('gives text back as it came', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((value) => !/[\0/]|^\.\.?$/.test(value));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text, { minLength: 1, maxLength: 20 }), async (names) => {
        const outcomes = await catalog.entities.add(names.map((name) => ({ datasetId, name, mime: name, tags: [name], meta: { [name]: name } })));
        const ids = outcomes.map((outcome) => (outcome.kind === 'added' ? outcome.id : 0));
        const found = await catalog.entities.getMany(ids);
        expect(found.map((entity) => [entity?.mime, entity?.tags, entity?.meta])).toEqual(names.map((name) => [name, [name], { [name]: name }]));
        await catalog.entities.remove(ids);
      }),
      { numRuns: engine.name === 'sqlite' ? 100 : 30 },
    );
  });

  it('adds a link once for each dataset, in whatever form it is written', async () => {
    const catalog = await engine.open();
    const { projectId, datasetId } = await withDataset(catalog);
    const other = await catalog.datasets.ensure({ projectId, name: 'other' });
    const first = await catalog.entities.add([
      { datasetId, name: 'a.jpg', link: 's3://cars/x/a.jpg' },
      { datasetId, name: 'another.jpg', link: 'S3://cars/x/a.jpg' },
      { datasetId, name: 'b.jpg', link: 'HTTPS://host/b.jpg?q' },
      { datasetId: other.id, name: 'a.jpg', link: 's3://cars/x/a.jpg' },
    ]);
    expect(kinds(first)).toEqual(['added a.jpg', 'present a.jpg', 'added b.jpg', 'added a.jpg']);
    const again = await catalog.entities.add([
      { datasetId, name: 'c.jpg', link: 'minio://cars/x/a.jpg', size: 7, tags: ['new'] },
      { datasetId, name: 'b.jpg', link: 'https://host/b.jpg?q' },
      { datasetId: other.id, name: 'b.jpg', link: 'https://host/b.jpg?q' },
    ]);
    expect(kinds(again)).toEqual(['present a.jpg', 'present b.jpg', 'added b.jpg']);
    const [a] = (await catalog.entities.page({ datasetId })).entities;
    expect(a).toMatchObject({ name: 'a.jpg', link: 's3://cars/x/a.jpg', tags: [], version: 1 });
    expect(
      await catalog.entities.findLinks([
        { datasetId, link: 'MINIO://cars/x/a.jpg' },
        { datasetId, link: 'no link' },
        { datasetId: other.id, link: 's3://cars/x/A.jpg' },
      ]),
    ).toEqual([a?.id, undefined, undefined]);
    expect(
      await catalog.entities.findNames([
        { datasetId: 'x', name: 'a.jpg' },
        { datasetId, name: 'a.jpg' },
        { datasetId, name: 'A.jpg' },
      ]),
    ).toEqual([undefined, a?.id, undefined]);
  });

  it('counts up names that are taken', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const add = async (...names: string[]): Promise<string[]> => kinds(await catalog.entities.add(names.map((name) => ({ datasetId, name }))));
    expect(await add('a.jpg', 'a.jpg', 'a.jpg')).toEqual(['added a.jpg', 'added a_01.jpg', 'added a_02.jpg']);
    expect(await add('a.jpg', 'a_01.jpg', 'A.jpg')).toEqual(['added a_03.jpg', 'added a_01_01.jpg', 'added A.jpg']);
    expect(await add('x.tar.gz', 'x.tar.gz', '.jpg', '.jpg', 'plain', 'plain')).toEqual([
      'added x.tar.gz',
      'added x.tar_01.gz',
      'added .jpg',
      'added .jpg_01',
      'added plain',
      'added plain_01',
    ]);
    const many = await catalog.entities.add(Array.from({ length: 150 }, () => ({ datasetId, name: 'n.png' })));
    expect(many.at(-1)).toMatchObject({ name: 'n_149.png', renamed: true });
    expect(await add('n.png')).toEqual(['added n_150.png']);
  });

  it('skips or replaces where that is asked', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const [old] = await catalog.entities.add([{ datasetId, name: 'a.jpg', local: '/b/old', hash: 'old', meta: { x: 1 } }]);
    const skipped = await catalog.entities.add(
      [
        { datasetId, name: 'a.jpg', link: 's3://b/new' },
        { datasetId, name: 'b.jpg', link: 's3://b/b' },
        { datasetId, name: 'b.jpg', link: 's3://b/b2' },
      ],
      { onNameTaken: 'skip' },
    );
    expect(kinds(skipped)).toEqual(['skipped a.jpg', 'added b.jpg', 'skipped b.jpg']);
    const id = old?.kind === 'added' ? old.id : 0;
    const replaced = await catalog.entities.add(
      [
        { datasetId, name: 'a.jpg', link: 's3://b/new', tags: ['t'] },
        { datasetId, name: 'a.jpg', link: 's3://b/newer', size: 3 },
        // Its link is free again: the one before it took its place.
        { datasetId, name: 'c.jpg', link: 's3://b/new' },
        { datasetId, name: 'c.jpg', link: 's3://b/c' },
      ],
      { onNameTaken: 'replace' },
    );
    expect(kinds(replaced)).toEqual(['replaced a.jpg', 'replaced a.jpg', 'added c.jpg', 'replaced c.jpg']);
    const a = await catalog.entities.get(id);
    expect(a).toMatchObject({ id, name: 'a.jpg', link: 's3://b/newer', size: 3, version: 3, meta: {}, tags: [] });
    expect(a).not.toHaveProperty('local');
    expect(a).not.toHaveProperty('hash');
    expect(await catalog.entities.history(id)).toMatchObject([
      { cause: 'replace', from: { local: '/b/old' }, to: { link: 's3://b/new' }, version: 2 },
      { cause: 'replace', from: { link: 's3://b/new' }, to: { link: 's3://b/newer' }, version: 3 },
    ]);
    await expect(catalog.entities.add([], { onNameTaken: 'drop' as NameConflict })).rejects.toMatchObject({ code: 'InvalidArgument' });
  });

  it('refuses single items and adds the others', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const faults: [Partial<NewEntity>, string][] = [
      [{ datasetId: 999 }, 'there is no dataset 999'],
      [{ datasetId: '-1' }, 'expected the id of a dataset'],
      [{ name: '' }, 'expected a name'],
      [{ name: 'a/b.jpg' }, 'a name cannot hold "/"'],
      [{ name: '..' }, 'a name cannot be ".."'],
      [{ name: 'a\0.jpg' }, 'a name cannot hold a NUL character'],
      [{ name: '\udc00.jpg' }, 'half of a surrogate pair'],
      [{ name: 'ä'.repeat(513) }, 'a name has at most 1024 bytes; got 1026'],
      [{ link: 'ftp://a/b' }, 'column 1 of the link: expected <scheme>'],
      [{ link: 's3://a/../b' }, 'cannot hold "." or ".."'],
      [{ link: `https://h/${'x'.repeat(2500)}` }, 'a link has at most 2500 bytes; got 2510'],
      [{ link: 'https://h/\0' }, 'a link cannot hold a NUL character'],
      [{ local: 'bucket/key' }, 'local: expected /<bucket>/<key>; got "bucket/key"'],
      [{ size: -1 }, 'size: expected a whole number of bytes from 0; got -1'],
      [{ width: 1.5 }, 'width: expected a whole number of pixels'],
      [{ mime: 'a\0' }, 'mime cannot hold a NUL'],
      [{ hash: 7 as never }, 'hash: expected text; got number'],
      [{ tags: ['a', ''] }, 'tags: expected texts'],
      [{ meta: { big: 1n as never } }, 'meta holds what JSON cannot say'],
      [{ revision: { etag: '\0' } }, 'etag cannot hold a NUL'],
    ];
    const items = faults.map(([fault]): NewEntity => ({ datasetId, name: 'bad.jpg', ...fault }));
    const outcomes = await catalog.entities.add([{ datasetId, name: 'first.jpg' }, ...items, { datasetId, name: 'last.jpg' }]);
    expect(kinds(outcomes)).toEqual(['added first.jpg', ...faults.map(() => 'refused'), 'added last.jpg']);
    for (const [i, [, reason]] of faults.entries()) expect(outcomes[i + 1]).toMatchObject({ reason: expect.stringContaining(reason) });
    expect(await catalog.entities.count()).toMatchObject({ entities: 2 });
  });

  it('keeps nothing of a call that fails', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const checkpoint = { runId: 99, source: 'f', offset: 1, line: 1 };
    await expect(catalog.entities.add([{ datasetId, name: 'a.jpg' }], { checkpoint })).rejects.toMatchObject({ code: 'NotFound' });
    await expect(catalog.entities.add(Array.from({ length: 100_001 }, () => ({ datasetId, name: 'a' })))).rejects.toMatchObject({ code: 'InvalidArgument' });
    expect(await catalog.entities.count()).toMatchObject({ entities: 0 });
  });

  it('gives the same rows and outcomes for one call as for many', { timeout: 120_000 }, async () => {
    const item = fc.record(
      {
        name: fc.constantFrom('a.jpg', 'a_01.jpg', 'a_02.jpg', 'a_04.jpg', 'a_08.jpg', 'b'),
        link: fc.constantFrom('s3://b/1', 's3://b/2', 's3://b/3', 's3://b/4'),
      },
      { requiredKeys: ['name'] },
    );
    const catalog = await engine.open();
    const { projectId } = await withDataset(catalog);
    let run = 0;
    const added = async (batches: readonly (readonly Omit<NewEntity, 'datasetId'>[])[], onNameTaken: NameConflict): Promise<unknown> => {
      const { id: datasetId } = await catalog.datasets.create({ projectId, name: `run ${++run}` });
      const outcomes: AddOutcome[] = [];
      for (const batch of batches)
        outcomes.push(
          ...(await catalog.entities.add(
            batch.map((one) => ({ datasetId, ...one })),
            { onNameTaken },
          )),
        );
      const rows = await collect(catalog.entities.stream({ datasetId }));
      const positions = new Map(rows.map(({ id }, i) => [id, i]));
      return {
        outcomes: outcomes.map((outcome) => ('id' in outcome ? { ...outcome, id: positions.get(outcome.id) } : outcome)),
        rows: rows.map(({ name, link, version }) => ({ name, link, version })),
      };
    };
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 24 }), fc.nat(24), fc.constantFrom<NameConflict>('rename', 'skip', 'replace'), async (items, at, mode) => {
        const oneByOne = await added(
          items.map((one) => [one]),
          mode,
        );
        expect(await added([items], mode)).toEqual(oneByOne);
        expect(await added([items.slice(0, at), items.slice(at)], mode)).toEqual(oneByOne);
      }),
      { numRuns: engine.name === 'sqlite' ? 60 : 15 },
    );
  });

  it('finds numbers in few steps where many have the name', { timeout: 120_000 }, async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const taken = Array.from({ length: 20_000 }, (_, i) => ({ datasetId, name: i === 0 ? 'image.jpg' : numberedName('image.jpg', i) }));
    await catalog.entities.add(taken);
    expect(kinds(await catalog.entities.add([{ datasetId, name: 'image.jpg' }]))).toEqual(['added image_20000.jpg']);
  });
});
