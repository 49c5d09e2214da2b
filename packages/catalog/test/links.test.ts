import { expect, it } from 'vitest';
import { type Catalog, LINK_BATCH, type RemoteOutcome } from '../src/index.ts';
import { collect, onEachEngine, withDataset } from './engines.ts';

async function locals(catalog: Catalog, datasetId: number, count: number): Promise<number[]> {
  const outcomes = await catalog.entities.add(Array.from({ length: count }, (_, i) => ({ datasetId, name: `${i}.jpg`, local: `/main/${i}`, hash: `h${i}` })));
  return outcomes.map((outcome) => (outcome.kind === 'added' ? outcome.id : 0));
}

onEachEngine('links', (engine) => {
  it('sets the links of 2,500 entities in three transactions', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const ids = await locals(catalog, datasetId, 2500);
    const batches: (readonly RemoteOutcome[])[] = [];
    const links = ids.map((_, i) => `s3://cars/dir/${i}.jpg`);
    const outcomes = await catalog.entities.setRemote(
      ids.map((id, i) => (i % 2 === 0 ? id : String(id))),
      links,
      { onBatch: (batch) => batches.push(batch) },
    );
    expect(batches.map((batch) => batch.length)).toEqual([LINK_BATCH, LINK_BATCH, 500]);
    expect(batches.flat()).toEqual(outcomes);
    expect(outcomes).toEqual(ids.map((id) => ({ kind: 'linked', id, version: 2 })));
    const entities = await collect(catalog.entities.stream());
    expect(entities.map(({ id, link, local, version }) => ({ id, link, local, version }))).toEqual(
      ids.map((id, i) => ({ id, link: links[i], local: `/main/${i}`, version: 2 })),
    );
    const again = await catalog.entities.setRemote(ids, links, { versions: ids.map(() => 1) });
    expect(again).toEqual(ids.map((id) => ({ kind: 'same', id, version: 2 })));
  });

  it('says what became of each id', async () => {
    const catalog = await engine.open();
    const cars = await withDataset(catalog, 'cars', 'images');
    const films = await withDataset(catalog, 'films', 'videos');
    const [a = 0, b = 0, c = 0, d = 0] = await locals(catalog, cars.datasetId, 4);
    const [film = 0] = await locals(catalog, films.datasetId, 1);
    await catalog.entities.update([{ id: b, hash: 'other' }]);
    const outcomes = await catalog.entities.setRemote([a, b, 999, film, c, d], ['MINIO://x/a', 's3://x/b', 's3://x/c', 's3://x/d', 's3://x/../e', 's3://x/f'], {
      type: 'images',
      clearLocal: true,
      versions: [1, 1, 1, 1, 1, undefined],
      revisions: [{ etag: '"1"' }, undefined, undefined, undefined, undefined, { version: '9' }],
    });
    expect(outcomes).toEqual([
      { kind: 'linked', id: a, version: 2 },
      { kind: 'changed', id: b, version: 2 },
      { kind: 'missing', id: 999 },
      { kind: 'wrong-type', id: film, type: 'videos' },
      { kind: 'refused', id: c, reason: expect.stringContaining('column 8') },
      { kind: 'linked', id: d, version: 2 },
    ]);
    const [first, ...others] = await catalog.entities.getMany([a, b, film, c]);
    expect(first).toMatchObject({ link: 's3://x/a', revision: { etag: '"1"' } });
    expect(first).not.toHaveProperty('local');
    for (const entity of others) expect(entity?.link).toBeUndefined();
    expect(await catalog.entities.setRemote([film], ['s3://x/d'], { type: 'videos' })).toMatchObject([{ kind: 'linked' }]);
    // The same link with another revision is news; without one, the one that is known stays.
    expect(await catalog.entities.setRemote([a], ['s3://x/a'])).toEqual([{ kind: 'same', id: a, version: 2 }]);
    expect(await catalog.entities.setRemote([a], ['s3://x/a'], { revisions: [{ etag: '"2"' }] })).toMatchObject([{ kind: 'linked', version: 3 }]);
    // Another link has no known state.
    await catalog.entities.setRemote([a], ['s3://x/a2']);
    expect(await catalog.entities.get(a)).not.toHaveProperty('revision');
  });

  it('refuses lists that cannot be meant, before anything is changed', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const [a = 0, b = 0] = await locals(catalog, datasetId, 2);
    const calls = [
      catalog.entities.setRemote([a, b], ['s3://x/a']),
      catalog.entities.setRemote([a, b], ['s3://x/a', 's3://x/b'], { versions: [1] }),
      catalog.entities.setRemote([a, String(a)], ['s3://x/a', 's3://x/b']),
      catalog.entities.setRemote([a, 'x'], ['s3://x/a', 's3://x/b']),
      catalog.entities.setRemote([a], ['s3://x/a'], { type: 'volumes' as never }),
      catalog.entities.unlink([
        { id: a, version: 1 },
        { id: a, version: 1 },
      ]),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'InvalidArgument' });
    expect(await catalog.entities.count({ linked: true })).toMatchObject({ entities: 0 });
    expect(await catalog.entities.setRemote([], [])).toEqual([]);
  });

  it('goes back to the local pointer, and keeps the history', async () => {
    let time = 0;
    const catalog = await engine.open({ now: () => new Date(++time * 1000) });
    const { datasetId } = await withDataset(catalog);
    const [cleared = 0, both = 0, never = 0, replaced = 0, local = 0] = await locals(catalog, datasetId, 5);
    await catalog.entities.setRemote([cleared, replaced], ['s3://x/1', 's3://x/2'], { clearLocal: true });
    await catalog.entities.setRemote([cleared, both], ['s3://y/1', 's3://y/2']);
    // New content under the old name: what lay in the main storage is not this any more.
    await catalog.entities.add(
      [
        { datasetId, name: '3.jpg', link: 's3://z/new' },
        { datasetId, name: '2.jpg', link: 's3://z/never' },
      ],
      { onNameTaken: 'replace' },
    );
    const plans = await catalog.entities.planUnlink([cleared, both, never, replaced, local, 999]);
    expect(plans).toEqual([
      { kind: 'ready', id: cleared, version: 3, link: 's3://y/1', local: '/main/0' },
      { kind: 'ready', id: both, version: 2, link: 's3://y/2', local: '/main/1' },
      { kind: 'no-local', id: never, link: 's3://z/never' },
      { kind: 'no-local', id: replaced, link: 's3://z/new' },
      { kind: 'no-link', id: local },
      { kind: 'missing', id: 999 },
    ]);
    expect(
      await catalog.entities.unlink([
        { id: cleared, version: 3 },
        { id: both, version: 1 },
        { id: replaced, version: 3 },
        { id: local, version: 1 },
        { id: 999, version: 1 },
      ]),
    ).toEqual([
      { kind: 'unlinked', id: cleared, version: 4, local: '/main/0' },
      { kind: 'changed', id: both, version: 2 },
      { kind: 'no-local', id: replaced },
      { kind: 'no-link', id: local },
      { kind: 'missing', id: 999 },
    ]);
    const entity = await catalog.entities.get(cleared);
    expect(entity).toMatchObject({ local: '/main/0', hash: 'h0', version: 4 });
    expect(entity).not.toHaveProperty('link');
    const history = await catalog.entities.history(cleared);
    expect(history.map(({ cause, from, to, version }) => ({ cause, from, to, version }))).toEqual([
      { cause: 'set-remote', from: { local: '/main/0' }, to: { link: 's3://x/1' }, version: 2 },
      { cause: 'set-remote', from: { link: 's3://x/1' }, to: { link: 's3://y/1' }, version: 3 },
      { cause: 'unlink', from: { link: 's3://y/1' }, to: { local: '/main/0' }, version: 4 },
    ]);
    expect(history.map(({ at }) => at.getTime())).toEqual(history.map(({ at }) => at.getTime()).sort((a, b) => a - b));
    expect(await catalog.entities.history(local)).toEqual([]);
    await expect(catalog.entities.history(999)).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('changes what is known, where it is still the version that was looked at', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const [a = 0, b = 0] = await locals(catalog, datasetId, 2);
    await catalog.entities.setRemote([a], ['s3://x/a'], { revisions: [{ etag: '"1"' }] });
    expect(
      await catalog.entities.update([
        { id: a, version: 2, size: 10, revision: { etag: '"2"' } },
        { id: String(a), meta: { x: 1 }, tags: ['t'] },
        { id: a, version: 2, size: 11 },
        { id: a, size: 10 },
        { id: 999, size: 1 },
        { id: b, revision: { etag: 'of nothing' } },
      ]),
    ).toEqual([
      { kind: 'updated', id: a, version: 3 },
      { kind: 'updated', id: a, version: 3 },
      { kind: 'changed', id: a, version: 3 },
      { kind: 'same', id: a, version: 3 },
      { kind: 'missing', id: 999 },
      { kind: 'same', id: b, version: 1 },
    ]);
    expect(await catalog.entities.get(a)).toMatchObject({ size: 10, revision: { etag: '"2"' }, meta: { x: 1 }, tags: ['t'], hash: 'h0' });
    await catalog.entities.update([{ id: a, hash: null, revision: null }]);
    const cleared = await catalog.entities.get(a);
    expect(cleared).not.toHaveProperty('hash');
    expect(cleared).not.toHaveProperty('revision');
    await expect(
      catalog.entities.update([
        { id: b, tags: ['x'] },
        { id: b, size: 1.5 },
      ]),
    ).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining(`entity ${b}: size`) });
    expect(await catalog.entities.get(b)).toMatchObject({ tags: [] });
  });

  it('removes entities and their history', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const [a = 0, b = 0] = await locals(catalog, datasetId, 2);
    await catalog.entities.setRemote([a], ['s3://x/a']);
    expect(await catalog.entities.remove([a, 999, String(b)])).toBe(2);
    await expect(catalog.entities.history(a)).rejects.toMatchObject({ code: 'NotFound' });
    expect(await catalog.entities.remove([a])).toBe(0);
  });
});
