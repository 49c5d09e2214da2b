import { createHash } from 'node:crypto';
import { type Entity, type Project } from '@stowage/catalog';
import { delegate, type Fault, type Layer } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import {
  HASH_METADATA,
  migrateProject,
  type MigrateOptions,
  type MigrateOutcome,
  type MigrateReport,
  setRemoteImages,
  setRemoteVideos,
  unlinkEntities,
} from '../src/index.ts';
import { importAll, linksFile, type World, world } from './world.ts';

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('base64');

interface Local {
  readonly project: Project;
  readonly entities: readonly Entity[];
}

/** A project with three levels of datasets and an entity in each, whose bytes lie in the main storage. */
async function local(w: World, name = 'P', o: { readonly count?: number; readonly hash?: boolean } = {}): Promise<Local> {
  const { count = 1, hash = true } = o;
  const project = await w.catalog.projects.create({ name, type: 'images' });
  const bucket = w.main('private');
  const added = [];
  for (const path of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    const { id: datasetId } = await w.catalog.datasets.ensurePath(project.id, path);
    for (let i = 0; i < count; i++) {
      const key = `images/original/${name}/${path.join('')}${i}`;
      const content = `the bytes of ${key}`;
      await bucket.put(key, content);
      added.push({
        datasetId,
        name: `${i}.jpg`,
        local: `/private/${key}`,
        size: content.length,
        mime: 'image/jpeg',
        ...(hash ? { hash: sha256(content) } : {}),
      });
    }
  }
  await w.catalog.entities.add(added);
  return { project, entities: await Array.fromAsync(w.catalog.entities.stream({ projectId: project.id })) };
}

async function migrate(
  w: World,
  project: Project | number | string,
  o: Partial<MigrateOptions> = {},
): Promise<{ readonly report: MigrateReport; readonly outcomes: readonly MigrateOutcome[] }> {
  const outcomes: MigrateOutcome[] = [];
  const { catalog, storages } = w;
  const report = await migrateProject(project, {
    catalog,
    storages,
    to: 's3://cars/moved',
    now: () => 0,
    observer: { outcomes: (some) => void outcomes.push(...some) },
    ...o,
  }).report;
  return { report, outcomes };
}

const keysOf = async (w: World, bucket = 'cars'): Promise<string[]> => (await Array.fromAsync(w.memory(bucket).list())).map(({ key }) => key);
const linksOf = async (w: World, project: Project): Promise<(string | undefined)[]> =>
  (await Array.fromAsync(w.catalog.entities.stream({ projectId: project.id }))).map(({ link }) => link);
const countMain = async (w: World): Promise<number> => (await Array.fromAsync(w.main('private').list())).length;

describe('a project', () => {
  it('moves: bytes are sent and verified, links set, local places and bytes kept, other projects untouched', async () => {
    const w = await world({});
    const other = await local(w, 'other');
    const { project, entities } = await local(w);
    const [d1, d2, d3] = entities.map(({ datasetId }) => datasetId);
    const untouched = await w.catalog.fingerprint({ projectId: other.project.id });
    const before = await countMain(w);
    const { report } = await migrate(w, project);
    expect(report).toMatchObject({
      entities: 3,
      uploaded: { entities: 3 },
      there: { entities: 0 },
      conflicts: 0,
      failed: 0,
      linked: 3,
      linkedBefore: 0,
      complete: true,
      changedMeanwhile: [],
    });
    const expected = [d1, d2, d3].map((id) => `moved/images/${project.id}/${id}/0.jpg`);
    expect(await keysOf(w)).toEqual(expected.toSorted());
    expect(await linksOf(w, project)).toEqual(expected.map((key) => `s3://cars/${key}`));
    for (const [i, key] of expected.entries()) {
      const object = await w.memory('cars').get(key);
      expect(object.info.headers).toMatchObject({ contentType: 'image/jpeg', metadata: { [HASH_METADATA]: entities[i]?.hash } });
      expect(sha256(await object.bytes())).toBe(entities[i]?.hash);
    }
    expect((await Array.fromAsync(w.catalog.entities.stream({ projectId: project.id }))).map(({ local: place }) => place)).toEqual(
      entities.map(({ local: place }) => place),
    );
    expect(await countMain(w)).toBe(before);
    expect(await w.catalog.fingerprint({ projectId: other.project.id })).toBe(untouched);
    // Again: nothing is left to do.
    expect((await migrate(w, String(project.id))).report).toMatchObject({ entities: 0, linkedBefore: 3, linked: 0, bytesSent: 0, complete: true });
  });

  it('in the nested layout keeps the nesting of its datasets', async () => {
    const w = await world({});
    const { project, entities } = await local(w, 'P', { hash: false });
    const [a, b, c] = entities.map(({ datasetId }) => datasetId);
    await migrate(w, project.id, { layout: 'nested', to: 's3://cars' });
    const root = `images/${project.id}`;
    expect(await keysOf(w)).toEqual([`${root}/${a}/0.jpg`, `${root}/${a}/${b}/0.jpg`, `${root}/${a}/${b}/${c}/0.jpg`].toSorted());
  });

  it('as a dry run tells counts, bytes and targets, and changes nothing', async () => {
    const w = await world({});
    const { project, entities } = await local(w);
    const before = await w.catalog.fingerprint();
    const { report, outcomes } = await migrate(w, project, { dryRun: true });
    expect(report).toMatchObject({
      dryRun: true,
      uploaded: { entities: 3, bytes: entities.reduce((sum, { size = 0 }) => sum + size, 0) },
      linked: 0,
      bytesSent: 0,
      complete: true,
    });
    expect(outcomes.map((outcome) => outcome.link ?? '').toSorted()).toEqual(
      entities.map(({ datasetId }) => `s3://cars/moved/images/${project.id}/${datasetId}/0.jpg`).toSorted(),
    );
    expect(await keysOf(w)).toEqual([]);
    expect(await w.catalog.fingerprint()).toBe(before);
  });

  it('one failed upload changes no link; the next run sends only what is missing', async () => {
    const faults: Fault[] = [{ operation: 'put', key: /\/1\.jpg$/, times: 1, code: 'Unavailable' }];
    const w = await world({ faults });
    const { project } = await local(w, 'P', { count: 4 });
    const first = await migrate(w, project, { transfers: 1 });
    expect(first.report).toMatchObject({ uploaded: { entities: 11 }, failed: 1, linked: 0, complete: false });
    expect(first.outcomes.filter(({ kind }) => kind === 'failed')).toMatchObject([
      { reason: 'upload-failed', message: expect.stringContaining('injected fault') },
    ]);
    expect((await linksOf(w, project)).every((link) => link === undefined)).toBe(true);
    const second = await migrate(w, project);
    expect(second.report).toMatchObject({ uploaded: { entities: 1 }, there: { entities: 11 }, failed: 0, linked: 12, complete: true });
    expect((await linksOf(w, project)).every((link) => link !== undefined)).toBe(true);
  });

  it('whose one upload is slow goes on with the others, of later pages too', async () => {
    const later = Promise.withResolvers<void>();
    let written = 0;
    const slowFirst: Layer = (inner) =>
      delegate(inner, {
        async put(key, body, o) {
          const first = inner.provider !== 'fs' && written++ === 0;
          if (written > 1050) later.resolve();
          if (first) await later.promise;
          return inner.put(key, body, o);
        },
      });
    const w = await world({ layers: [slowFirst] });
    const { project } = await local(w, 'P', { count: 360 });
    const { report, outcomes } = await migrate(w, project, { linkVerified: true });
    expect(report).toMatchObject({ entities: 1080, uploaded: { entities: 1080 }, linked: 1080, complete: true });
    expect(new Set(outcomes.map(({ entity }) => entity.id)).size).toBe(1080);
  });

  it('that is aborted ends with the reason, when what was under way has ended, and links nothing', async () => {
    const abort = new AbortController();
    let underWay = 0;
    let written = 0;
    const slow: Layer = (inner) =>
      delegate(inner, {
        async put(key, body, o) {
          if (inner.provider === 'fs') return inner.put(key, body, o);
          underWay++;
          if (++written === 3) abort.abort(new Error('enough'));
          await new Promise((resolve) => setTimeout(resolve, 10));
          underWay--;
          return inner.put(key, body, o);
        },
      });
    const w = await world({ layers: [slow] });
    const { project } = await local(w, 'P', { count: 4 });
    await expect(migrate(w, project, { signal: abort.signal, transfers: 4 })).rejects.toThrow('enough');
    expect(underWay).toBe(0);
    expect((await linksOf(w, project)).every((link) => link === undefined)).toBe(true);
  });

  it('with linkVerified links what was verified, and leaves the rest local', async () => {
    const faults: Fault[] = [{ operation: 'put', key: /\/1\.jpg$/, times: 1, code: 'Unavailable' }];
    const w = await world({ faults });
    const { project } = await local(w, 'P', { count: 2 });
    expect((await migrate(w, project, { linkVerified: true, transfers: 1 })).report).toMatchObject({
      uploaded: { entities: 5 },
      failed: 1,
      linked: 5,
      complete: false,
    });
    expect((await linksOf(w, project)).filter((link) => link === undefined)).toHaveLength(1);
    expect((await migrate(w, project)).report).toMatchObject({ linkedBefore: 5, entities: 1, uploaded: { entities: 1 }, linked: 1, complete: true });
  });

  it('notices what was replaced: in the main storage, at the target, in the catalog meanwhile', async () => {
    const w = await world({});
    const { project, entities } = await local(w, 'P', { count: 2 });
    const target = (entity: Entity | undefined): string => `moved/images/${project.id}/${entity?.datasetId}/${entity?.name}`;
    const [e0, e1, e2] = entities;
    // The same size, another content; another size; something else at the target.
    await w.main('private').put(e0?.local?.slice('/private/'.length) ?? '', 'x'.repeat(e0?.size ?? 0));
    await w.main('private').put(e1?.local?.slice('/private/'.length) ?? '', 'short');
    await w.memory('cars').put(target(e2), 'something else');
    const { report, outcomes } = await migrate(w, project);
    expect(report).toMatchObject({ uploaded: { entities: 3 }, failed: 2, conflicts: 1, linked: 0 });
    const told = outcomes.flatMap((one) => (one.kind === 'failed' || one.kind === 'conflict' ? [[one.entity.id, one.reason, one.message]] : []));
    expect(told.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [e0?.id, 'replaced', expect.stringContaining('its bytes are not what the catalog says: ')],
      [e1?.id, 'replaced', `it has 5 bytes; the catalog says ${e1?.size}`],
      [e2?.id, 'other-content', `another object lies at s3://cars/${target(e2)}: 14 bytes, ${e2?.size} were expected`],
    ]);
    expect(await (await w.memory('cars').get(target(e2))).text()).toBe('something else');
    expect(await w.memory('cars').exists(target(e0))).toBe(false);
  });

  it('links nothing where an entity was replaced in the catalog while others were sent', async () => {
    const w = await world({});
    const { project, entities } = await local(w);
    const { report } = await migrate(w, project, {
      observer: {
        async outcomes() {
          await w.catalog.entities.update([{ id: entities[1]?.id ?? 0, hash: sha256('other') }]);
        },
      },
    });
    expect(report).toMatchObject({ uploaded: { entities: 3 }, linked: 0, complete: false, changedMeanwhile: [entities[1]?.id] });
    expect(await linksOf(w, project)).toEqual([undefined, undefined, undefined]);
  });

  it('writes over what lies at a target only where it is told to', async () => {
    const w = await world({});
    const { project, entities } = await local(w);
    const key = `moved/images/${project.id}/${entities[0]?.datasetId}/0.jpg`;
    await w.memory('cars').put(key, 'something else');
    expect((await migrate(w, project, { replace: true })).report).toMatchObject({ uploaded: { entities: 3 }, linked: 3 });
    expect(sha256(await (await w.memory('cars').get(key)).bytes())).toBe(entities[0]?.hash);
  });

  it('goes by an entities map: which, where, and what they must still be', async () => {
    const w = await world({});
    const { project, entities } = await local(w, 'P', { count: 2 });
    const id = (i: number): string => String(entities[i]?.id);
    const map = new Map([
      [id(0), { remote: 's3://cars/elsewhere/0.jpg', name: '0.jpg' }],
      [id(1), { remote: 'cars/elsewhere/0.jpg' }],
      [id(2), { size: 1 }],
      [id(3), { remote: 's3://other/x.jpg' }],
      [id(4), {}],
      ['4711', {}],
    ]);
    const { report, outcomes } = await migrate(w, project, { entitiesMap: map });
    expect(report).toMatchObject({ entities: 5, uploaded: { entities: 2 }, conflicts: 3, linked: 0, unknownIds: ['4711'] });
    expect(outcomes.flatMap((one) => ('message' in one ? [one.message] : []))).toEqual([
      `the entities ${id(0)} and ${id(1)} have one target: s3://cars/elsewhere/0.jpg`,
      `the map says size 1; the catalog has ${entities[2]?.size}`,
      'expected "remote" to lie in the target\'s bucket "cars"; got "s3://other/x.jpg"',
    ]);
    expect(await keysOf(w)).toEqual([`elsewhere/0.jpg`, `moved/images/${project.id}/${entities[4]?.datasetId}/0.jpg`]);
    const good = new Map([...map].filter(([key]) => key === id(0) || key === id(4)));
    expect((await migrate(w, project, { entitiesMap: good })).report).toMatchObject({ there: { entities: 2 }, linked: 2, complete: true });
    expect((await migrate(w, project, { entitiesMap: good })).report).toMatchObject({ entities: 0, unknownIds: [], complete: true });
  });

  it('moves linked entities where it is told from where', async () => {
    const w = await world({ memoryBuckets: ['cars', 'other'] });
    for (const key of ['1.jpg', '2.jpg']) await w.memory('other').put(key, key);
    await w.memory('cars').put('3.jpg', '3');
    const { report: imported } = await importAll(w, [linksFile('d.txt', 's3://other/1.jpg\ns3://other/2.jpg\ns3://cars/3.jpg')]);
    const project = imported.project as Project;
    await w.memory('other').put('2.jpg', '2.pgj');
    const first = await migrate(w, project, { from: 's3://other/' });
    expect(first.report).toMatchObject({ entities: 2, uploaded: { entities: 1 }, failed: 1, linked: 0, linkedBefore: 3 });
    expect(first.outcomes).toContainEqual(expect.objectContaining({ reason: 'replaced', message: expect.stringContaining('it was written again') }));
    expect((await migrate(w, project, { from: 's3://other/', linkVerified: true })).report).toMatchObject({ there: { entities: 1 }, failed: 1, linked: 1 });
    expect(await linksOf(w, project)).toEqual([expect.stringContaining('s3://cars/moved/images/'), 's3://other/2.jpg', 's3://cars/3.jpg']);
  });

  it('of another type is refused by name', async () => {
    const w = await world({});
    const { project } = await local(w);
    await expect(migrate(w, { ...project, type: 'point_clouds' } as unknown as Project)).rejects.toThrow(
      'expected a project of images or videos; "P" is one of "point_clouds"',
    );
    await expect(migrate(w, 4711)).rejects.toMatchObject({ code: 'NotFound' });
    await expect(migrate(w, project, { to: 's3://carz/x' })).rejects.toThrow('did you mean "cars"?');
  });
});

describe('content in parts', () => {
  const BIG = 5 * 1024 * 1024;

  async function big(w: World): Promise<{ readonly project: Project; readonly content: Buffer }> {
    const project = await w.catalog.projects.create({ name: 'P', type: 'videos' });
    const { id: datasetId } = await w.catalog.datasets.ensurePath(project.id, ['d']);
    const content = Buffer.alloc(BIG, 'the bytes of a film, ');
    await w.main('private').put('film', content);
    await w.catalog.entities.add([{ datasetId, name: 'film.mp4', local: '/private/film', size: BIG, mime: 'video/mp4' }]);
    return { project, content };
  }

  it('goes on behind the parts that arrived', async () => {
    const faults: Fault[] = [{ operation: 'part', skip: 3, times: 1, code: 'Unavailable' }];
    const w = await world({ faults });
    const { project, content } = await big(w);
    const first = await migrate(w, project, { partSize: 1024 * 1024, transfers: 1 });
    expect(first.report).toMatchObject({ failed: 1, linked: 0 });
    expect(first.report.bytesSent).toBeGreaterThanOrEqual(3 * 1024 * 1024);
    const second = await migrate(w, project, { partSize: 2 * 1024 * 1024 });
    expect(second.report).toMatchObject({ uploaded: { entities: 1 }, linked: 1, complete: true });
    expect(first.report.bytesSent + second.report.bytesSent).toBe(BIG);
    const [key = ''] = await keysOf(w);
    expect(sha256(await (await w.memory('cars').get(key)).bytes())).toBe(sha256(content));
    expect(await Array.fromAsync(w.memory('cars').listUploads())).toEqual([]);
  });

  it('that is another by now begins anew, and leaves no parts of the old behind', async () => {
    const w = await world({ faults: [{ operation: 'part', skip: 3, times: 1, code: 'Unavailable' }] });
    const { project } = await big(w);
    await migrate(w, project, { partSize: 1024 * 1024 });
    expect(await Array.fromAsync(w.memory('cars').listUploads())).toHaveLength(1);
    const other = Buffer.alloc(BIG, 'the bytes of another film, ');
    await w.main('private').put('film', other);
    expect((await migrate(w, project, { partSize: 1024 * 1024 })).report).toMatchObject({ uploaded: { entities: 1 }, linked: 1, bytesSent: BIG });
    const [key = ''] = await keysOf(w);
    expect(sha256(await (await w.memory('cars').get(key)).bytes())).toBe(sha256(other));
    expect(await Array.fromAsync(w.memory('cars').listUploads())).toEqual([]);
  });

  it('whose upload the store forgot begins anew', async () => {
    const w = await world({ faults: [{ operation: 'part', skip: 3, times: 1, code: 'Unavailable' }] });
    const { project } = await big(w);
    await migrate(w, project, { partSize: 1024 * 1024 });
    for await (const ref of w.memory('cars').listUploads()) await (await w.memory('cars').resumeUpload(ref)).abort();
    expect((await migrate(w, project, { partSize: 1024 * 1024 })).report).toMatchObject({ uploaded: { entities: 1 }, linked: 1, bytesSent: BIG });
  });
});

describe('setRemote and back', () => {
  it('knows the type of projects, and unlink goes back while the bytes are there', async () => {
    const w = await world({});
    const { project, entities } = await local(w);
    const ids = entities.map(({ id }) => String(id));
    expect(
      (
        await setRemoteVideos(
          w.catalog,
          ids,
          ids.map((id) => `s3://cars/${id}.jpg`),
        )
      ).map(({ kind }) => kind),
    ).toEqual(['wrong-type', 'wrong-type', 'wrong-type']);
    expect(
      (
        await setRemoteImages(
          w.catalog,
          ids,
          ids.map((id) => `s3://cars/${id}.jpg`),
          { clearLocal: true },
        )
      ).map(({ kind }) => kind),
    ).toEqual(['linked', 'linked', 'linked']);
    await w.main('private').delete(entities[1]?.local?.slice('/private/'.length) ?? '');
    const { catalog, storages } = w;
    expect((await unlinkEntities(ids, { catalog, storages, dryRun: true })).map(({ kind }) => kind)).toEqual(['unlinked', 'bytes-gone', 'unlinked']);
    expect((await unlinkEntities([...ids, 4711], { catalog, storages })).map(({ kind }) => kind)).toEqual(['unlinked', 'bytes-gone', 'unlinked', 'missing']);
    expect(await linksOf(w, project)).toEqual([undefined, `s3://cars/${ids[1]}.jpg`, undefined]);
    expect(await catalog.entities.get(ids[0] ?? 0)).toMatchObject({ local: entities[0]?.local });
  });
});
