import { expect, it } from 'vitest';
import { onEachEngine, withDataset } from './engines.ts';

onEachEngine('projects and datasets', (engine) => {
  it('keeps projects, by id and by name', async () => {
    const now = new Date('2026-11-01T10:00:00.123Z');
    const catalog = await engine.open({ now: () => now });
    const cars = await catalog.projects.create({ name: 'cars', type: 'images' });
    const films = await catalog.projects.create({ name: 'films', type: 'videos' });
    expect(cars).toEqual({ id: expect.any(Number), name: 'cars', type: 'images', createdAt: now });
    expect(await catalog.projects.get(String(cars.id))).toEqual(cars);
    expect(await catalog.projects.find('films')).toEqual(films);
    expect(await catalog.projects.find('Films')).toBeUndefined();
    expect(await catalog.projects.list()).toEqual([cars, films]);
    await expect(catalog.projects.get(999)).rejects.toMatchObject({ code: 'NotFound', message: 'there is no project 999 in this catalog' });
    await expect(catalog.projects.get('1e3')).rejects.toMatchObject({ code: 'InvalidArgument' });
  });

  it('makes no project twice', async () => {
    const catalog = await engine.open();
    const other = await engine.open();
    const made = await catalog.projects.create({ name: 'cars', type: 'images' });
    await expect(other.projects.create({ name: 'cars', type: 'images' })).rejects.toMatchObject({ code: 'AlreadyExists' });
    expect(await other.projects.ensure({ name: 'cars', type: 'images' })).toEqual(made);
    await expect(other.projects.ensure({ name: 'cars', type: 'videos' })).rejects.toThrow('the project "cars" is of images, not of videos');
    const both = await Promise.all([catalog, other, catalog, other].map((one) => one.projects.ensure({ name: 'boats', type: 'videos' })));
    expect(new Set(both.map(({ id }) => id)).size).toBe(1);
  });

  it.each([
    [{ name: '', type: 'images' }, 'expected a name; got an empty one'],
    [{ name: 'a\0b', type: 'images' }, 'a name cannot hold a NUL character'],
    [{ name: '\ud800', type: 'images' }, 'half of a surrogate pair'],
    [{ name: 'x'.repeat(1025), type: 'images' }, 'a name has at most 1024 bytes; got 1025'],
    [{ name: 'clouds', type: 'volumes' }, 'expected the type images or videos; got "volumes"'],
  ] as const)('refuses the project %j', async (project, message) => {
    const catalog = await engine.open();
    await expect(catalog.projects.create(project as never)).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining(message) });
  });

  it('nests datasets, with one of a name in each place', async () => {
    const catalog = await engine.open();
    const { id: projectId } = await catalog.projects.create({ name: 'cars', type: 'images' });
    const a = await catalog.datasets.create({ projectId, name: 'a' });
    const b = await catalog.datasets.create({ projectId: String(projectId), parentId: String(a.id), name: 'b' });
    const inner = await catalog.datasets.create({ projectId, parentId: a.id, name: 'a' });
    expect(b).toMatchObject({ projectId, parentId: a.id, name: 'b' });
    expect(a).not.toHaveProperty('parentId');
    expect(await catalog.datasets.list(projectId)).toEqual([a, b, inner]);
    await expect(catalog.datasets.create({ projectId, name: 'a' })).rejects.toMatchObject({ code: 'AlreadyExists' });
    await expect(catalog.datasets.create({ projectId, parentId: a.id, name: 'b' })).rejects.toMatchObject({ code: 'AlreadyExists' });
    expect(await catalog.datasets.ensure({ projectId, parentId: a.id, name: 'b' })).toEqual(b);
    expect(await catalog.datasets.get(b.id)).toEqual(b);
    const other = await catalog.projects.create({ name: 'boats', type: 'images' });
    await expect(catalog.datasets.create({ projectId: other.id, parentId: a.id, name: 'c' })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.datasets.create({ projectId: 99, name: 'c' })).rejects.toMatchObject({ code: 'NotFound' });
    await expect(catalog.datasets.create({ projectId, parentId: 99, name: 'c' })).rejects.toMatchObject({ code: 'NotFound' });
    await expect(catalog.datasets.list(99)).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('makes the datasets of a path', async () => {
    const catalog = await engine.open();
    const other = await engine.open();
    const { id: projectId } = await catalog.projects.create({ name: 'cars', type: 'images' });
    expect(await catalog.datasets.findPath(projectId, ['2020', 'may'])).toBeUndefined();
    const made = await Promise.all([catalog, other, catalog].map((one) => one.datasets.ensurePath(projectId, ['2020', 'may', '01'])));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await catalog.datasets.findPath(projectId, ['2020', 'may', '01'])).toEqual(made[0]);
    expect((await catalog.datasets.list(projectId)).map(({ name }) => name)).toEqual(['2020', 'may', '01']);
    await expect(catalog.datasets.ensurePath(projectId, [])).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.datasets.ensurePath(projectId, ['a', '..'])).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.datasets.ensurePath(projectId, ['a/b'])).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(catalog.datasets.ensurePath(99, ['a'])).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('removes a dataset with all within, and gives no id twice', async () => {
    const catalog = await engine.open();
    const { projectId, datasetId } = await withDataset(catalog);
    const inner = await catalog.datasets.ensure({ projectId, parentId: datasetId, name: 'inner' });
    const kept = await catalog.datasets.ensure({ projectId, name: 'kept' });
    await catalog.entities.add([
      { datasetId: kept.id, name: 'k.jpg', local: '/b/k' },
      { datasetId, name: 'a.jpg', local: '/b/a' },
      { datasetId: inner.id, name: 'b.jpg', local: '/b/b' },
    ]);
    const last = (await catalog.entities.add([{ datasetId: inner.id, name: 'c.jpg', local: '/b/c' }]))[0];
    await catalog.entities.setRemote([last?.kind === 'added' ? last.id : 0], ['s3://b/c'], { clearLocal: true });
    expect(await catalog.datasets.remove(datasetId)).toEqual({ datasets: 2, entities: 3 });
    expect((await catalog.datasets.list(projectId)).map(({ name }) => name)).toEqual(['kept']);
    expect(await catalog.entities.count()).toMatchObject({ entities: 1 });
    await expect(catalog.datasets.remove(datasetId)).rejects.toMatchObject({ code: 'NotFound' });
    const [next] = await catalog.entities.add([{ datasetId: kept.id, name: 'd.jpg' }]);
    expect(next?.kind === 'added' && last?.kind === 'added' && next.id > last.id).toBe(true);
  });

  it('removes a project and leaves the others as they were', async () => {
    const catalog = await engine.open();
    const cars = await withDataset(catalog, 'cars');
    const boats = await withDataset(catalog, 'boats');
    await catalog.entities.add([
      { datasetId: cars.datasetId, name: 'a.jpg' },
      { datasetId: boats.datasetId, name: 'a.jpg' },
    ]);
    const before = await catalog.fingerprint({ projectId: boats.projectId });
    expect(await catalog.projects.remove(cars.projectId)).toEqual({ datasets: 1, entities: 1 });
    expect(await catalog.fingerprint({ projectId: boats.projectId })).toBe(before);
    await expect(catalog.projects.remove(cars.projectId)).rejects.toMatchObject({ code: 'NotFound' });
    await expect(catalog.fingerprint({ projectId: cars.projectId })).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('takes no calls when it is closed', async () => {
    const catalog = await engine.open();
    const last = catalog.projects.create({ name: 'cars', type: 'images' });
    await catalog.close();
    await catalog.close();
    await expect(last).resolves.toMatchObject({ name: 'cars' });
    await expect(catalog.projects.list()).rejects.toMatchObject({ code: 'Closed' });
  });
});
