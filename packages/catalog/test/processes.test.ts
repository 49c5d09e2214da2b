import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { numberedName } from '../src/numbered-name.ts';
import { collect, onEachEngine, type TestEngine } from './engines.ts';

function startWriter(engine: TestEngine, name: string, batches: number, size: number): ChildProcess {
  const { location, schema } = engine.place();
  const args = [location, schema, 'shared', name, String(batches), String(size)];
  return spawn(process.execPath, ['--conditions=@stowage/source', join(import.meta.dirname, 'children/writer.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Its exit code; with what it said where that is not 0. */
async function ended(child: ChildProcess): Promise<string> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdout?.resume();
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return code === 0 ? 'done' : `${signal ?? code}: ${errors}`;
}

onEachEngine('several processes', (engine) => {
  it('write one dataset at once: no error, no row lost, no name twice', { timeout: 120_000 }, async () => {
    const [batches, size] = [12, 200];
    const results = await Promise.all(['a', 'b', 'c'].map((name) => ended(startWriter(engine, name, batches, size))));
    expect(results).toEqual(['done', 'done', 'done']);
    const catalog = await engine.open();
    const entities = await collect(catalog.entities.stream());
    const count = 3 * batches * size;
    expect(new Set(entities.map(({ link }) => link)).size).toBe(count);
    expect(entities.map(({ name }) => name).sort()).toEqual(
      Array.from({ length: count }, (_, i) => (i === 0 ? 'image.jpg' : numberedName('image.jpg', i))).sort(),
    );
  });

  it('are killed at random: what was said to be committed is there, once, and the next goes on from it', { timeout: 120_000 }, async () => {
    const [batches, size] = [40, 250];
    let said = 0;
    for (let kill = 0; kill < 5; kill++) {
      const writer = startWriter(engine, 'a', batches, size);
      writer.stdout?.on('data', (chunk: Buffer) => {
        said = Number(chunk.toString().trim().split('\n').at(-1));
        // At any moment of the work that follows.
        if (said >= (kill + 1) * 3 * size) setTimeout(() => writer.kill('SIGKILL'), Math.random() * 30);
      });
      await once(writer, 'close');
      const catalog = await engine.open();
      const run = await catalog.imports.open('a');
      const line = run.sources[0]?.line ?? 0;
      expect(line).toBeGreaterThanOrEqual(said);
      expect(await catalog.entities.count()).toMatchObject({ entities: line, linked: line });
    }
    expect(await ended(startWriter(engine, 'a', batches, size))).toBe('done');
    const catalog = await engine.open();
    const links = (await collect(catalog.entities.stream())).map(({ link }) => link);
    expect(links).toHaveLength(batches * size);
    expect(new Set(links).size).toBe(batches * size);
  });
});
