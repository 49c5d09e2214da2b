import { expect, it } from 'vitest';
import { onEachEngine, withDataset } from './engines.ts';

onEachEngine('imports', (engine) => {
  it('go on from their last checkpoint, in whichever process', async () => {
    const catalog = await engine.open();
    const { datasetId } = await withDataset(catalog);
    const run = await catalog.imports.open('key');
    expect(run).toMatchObject({ key: 'key', resumed: false, sources: [] });
    expect(run).not.toHaveProperty('finishedAt');
    await catalog.entities.add([{ datasetId, name: 'a.jpg' }], { checkpoint: { runId: run.id, source: 'one.txt', offset: 100, line: 3 } });
    await catalog.entities.add([], { checkpoint: { runId: run.id, source: 'two.txt', offset: 7, line: 1, state: { added: 1 } } });
    await catalog.entities.add([{ datasetId, name: 'b.jpg' }], {
      checkpoint: { runId: String(run.id), source: 'one.txt', offset: 5_000_000_000, line: 9, finished: true, state: [1] },
    });
    const other = await engine.open();
    const resumed = await other.imports.open('key');
    expect(resumed).toEqual({
      ...run,
      resumed: true,
      sources: [
        { source: 'one.txt', offset: 5_000_000_000, line: 9, finished: true, state: [1] },
        { source: 'two.txt', offset: 7, line: 1, finished: false, state: { added: 1 } },
      ],
    });
    expect(await other.imports.get(run.id)).toEqual(resumed);
    expect((await other.imports.open('another')).id).not.toBe(run.id);
  });

  it('begin anew when they were finished', async () => {
    const catalog = await engine.open({ now: () => new Date(5000) });
    const run = await catalog.imports.open('key');
    await catalog.imports.finish(run.id);
    await catalog.imports.finish(run.id);
    expect((await catalog.imports.get(run.id)).finishedAt).toEqual(new Date(5000));
    const checkpoint = { runId: run.id, source: 'one.txt', offset: 1, line: 1 };
    await expect(catalog.entities.add([], { checkpoint })).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining('is finished') });
    const next = await catalog.imports.open('key');
    expect(next).toMatchObject({ resumed: false, sources: [] });
    expect(next.id).not.toBe(run.id);
    expect(await catalog.imports.prune(new Date(5000))).toBe(0);
    expect(await catalog.imports.prune(new Date(5001))).toBe(1);
    await expect(catalog.imports.get(run.id)).rejects.toMatchObject({ code: 'NotFound' });
    expect(await catalog.imports.prune(new Date(5001), { unfinished: true })).toBe(1);
    await expect(catalog.imports.finish(next.id)).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('refuse checkpoints that say nothing', async () => {
    const catalog = await engine.open();
    const { id: runId } = await catalog.imports.open('key');
    const good = { runId, source: 'one.txt', offset: 1, line: 1 };
    for (const fault of [{ source: '' }, { offset: -1 }, { line: 1.5 }, { state: { big: 1n as never } }, { runId: 'x' }]) {
      await expect(catalog.entities.add([], { checkpoint: { ...good, ...fault } })).rejects.toMatchObject({ code: 'InvalidArgument' });
    }
    await expect(catalog.imports.open('')).rejects.toMatchObject({ code: 'InvalidArgument' });
    expect((await catalog.imports.open('key')).sources).toEqual([]);
  });
});
