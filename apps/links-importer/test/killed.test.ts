import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openCatalog } from '@stowage/catalog';
import { openBucket } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { minioDriver } from '@stowage/minio';
import { serverOrReason, startCountingProxy, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, objectsOf, run, start, useFolder } from './command.ts';

const folder = useFolder();
const KILLS = 20;
const PART_DELAY_MS = 40;

const between = (earliestMs: number, latestMs: number): Promise<void> => delay(earliestMs + Math.random() * (latestMs - earliestMs));

/** Kills the command, again and again, whenever `moment` of the i-th run comes. */
async function killOften(args: readonly string[], moment: (i: number) => Promise<unknown>, killed?: () => void): Promise<void> {
  for (let i = 0; i < KILLS; i++) {
    const came = moment(i);
    const child = start(folder.path, args);
    const end = ended(child);
    await Promise.race([came, end]);
    child.kill('SIGKILL');
    await end;
    killed?.();
  }
}

describe('SIGKILL at any moment', () => {
  it('in an import: the next run finishes, nothing is doubled or lost, every line is told once', async () => {
    const count = 60_000;
    const lines = Array.from({ length: count }, (_, i) => (i % 100 === 50 ? `bad ${i}` : `fs://pics/${i % 7}/${i % 500}/${i}.jpg`));
    writeFileSync(join(folder.path, 'many.txt'), `${lines.join('\n')}\n`);
    const args = ['import', 'many.txt', '--project', 'P', '--verify', 'none', '--report-dir', 'report', '-q'];
    await killOften(args, () => between(300, 2000));
    const last = await run(folder.path, [...args, '--json']);
    const end = objectsOf(last.stdout).at(-1) as { tally: Record<string, number> };
    expect(end).toMatchObject({ event: 'end', exitCode: 1, balanced: true, tally: { rows: count, failed: count / 100, skipped: 0 } });
    expect((end.tally['imported'] ?? 0) + (end.tally['present'] ?? 0)).toBe(count - count / 100);
    const told = objectsOf(readFileSync(join(folder.path, 'report/report.jsonl'), 'utf8')).map(({ line }) => line);
    expect(told).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    await using catalog = await openCatalog(join(folder.path, 'stowage-catalog.sqlite'));
    const links = new Set<string>();
    const names = new Set<string>();
    for await (const { link, name } of catalog.entities.stream()) {
      links.add(link ?? '');
      names.add(name);
    }
    const expected = lines.filter((line) => line.startsWith('fs:'));
    expect(links).toEqual(new Set(expected));
    expect((await catalog.entities.count()).entities).toBe(expected.length);
    expect(names.size).toBe(expected.length);
  }, 240_000);

  describe('in a migration', () => {
    let minio: Awaited<ReturnType<typeof serverOrReason<Awaited<ReturnType<typeof startMinio>>>>>;
    beforeAll(async () => {
      minio = await serverOrReason(() => startMinio({ buckets: ['moved'] }));
    }, 600_000);
    afterAll(() => minio.server?.stop());

    it('the next run finishes, and nothing is sent twice but parts in flight', async (ctx) => {
      const { server } = minio;
      if (server === undefined) return ctx.skip(minio.missing);
      // Whole objects and parts; an upload is begun by POST.
      const pathOf = (url: string): string => url.replace(/[?&](?:uploadId|x-id)=[^&]*/g, '');
      const isPart = (path: string): boolean => path.includes('partNumber');
      /** How often each was begun, and how often it came to its end. */
      const begun = new Map<string, number>();
      const sent = new Map<string, number>();
      /** Of one run of the command. */
      const underWay = new Set<string>();
      let partsInFlight = 0;
      let partBegins = (): void => undefined;
      await using proxy = await startCountingProxy(server.endpoint, {
        delayMs: PART_DELAY_MS,
        onRequest({ method, url }) {
          if (method !== 'PUT') return;
          underWay.add(pathOf(url));
          if (isPart(pathOf(url))) partBegins();
          begun.set(pathOf(url), (begun.get(pathOf(url)) ?? 0) + 1);
        },
        onAnswer({ method, url, status }) {
          if (method !== 'PUT' || status !== 200) return;
          underWay.delete(pathOf(url));
          sent.set(pathOf(url), (sent.get(pathOf(url)) ?? 0) + 1);
        },
      });
      const { accessKeyId, secretAccessKey, region } = server;
      const yml = readFileSync(join(folder.path, 'remote_links.yml'), 'utf8');
      writeFileSync(
        join(folder.path, 'remote_links.yml'),
        `${yml}cloud:\n  provider: minio\n  endpoint: ${proxy.endpoint}\n  region: ${region}\n  access_key: ${accessKeyId}\n  secret_key: ${secretAccessKey}\n  buckets: [moved]\n`,
      );

      await using main = openBucket(fsDriver({ root: join(folder.path, 'data/storage/private'), bucket: 'private', durability: 'none' }));
      await using catalog = await openCatalog(join(folder.path, 'stowage-catalog.sqlite'));
      const project = await catalog.projects.create({ name: 'P', type: 'videos' });
      const { id: datasetId } = await catalog.datasets.ensurePath(project.id, ['d']);
      const contents = Array.from({ length: 150 }, (_, i) => (i % 25 === 24 ? Buffer.alloc(11 * 1024 * 1024, `film ${i}`) : Buffer.from(`small ${i}`)));
      for (const [i, content] of contents.entries()) await main.put(`v/${i}`, content);
      await catalog.entities.add(
        contents.map((content, i) => ({ datasetId, name: `${i}.mp4`, local: `/private/v/${i}`, size: content.length, mime: 'video/mp4' })),
      );
      const args = ['migrate', 'P', '--to', 's3://moved/dir', '--part-size', '5m', '--transfers', '4', '-q'];
      // At any moment, and every other time while a part is under way, as long as there are parts to send.
      await killOften(
        args,
        async (i) => {
          if (i % 2 === 0) return between(500, 2500);
          await new Promise<void>((resolve) => (partBegins = resolve));
          await between(0, PART_DELAY_MS / 2);
        },
        () => {
          partsInFlight += [...underWay].filter(isPart).length;
          underWay.clear();
        },
      );
      expect(partsInFlight).toBeGreaterThan(0);
      const last = await run(folder.path, args);
      expect(last).toMatchObject({ code: 0, stderr: '' });

      const keys = new Map(contents.map((content, i) => [`dir/videos/${project.id}/${datasetId}/${i}.mp4`, content]));
      for await (const { link = '', local } of catalog.entities.stream()) {
        expect(keys.has(link.slice('s3://moved/'.length))).toBe(true);
        expect(local).toBeDefined();
      }
      // An answer may have found nobody to hear it: that the object is there is what the next run sees.
      expect([...begun.keys()].filter((path) => !isPart(path))).toHaveLength(144);
      expect([...sent].filter(([path, times]) => !isPart(path) && times > 1)).toEqual([]);
      const parts = [...begun].filter(([path]) => isPart(path));
      expect(parts).toHaveLength(18);
      const again = parts.reduce((sum, [, times]) => sum + times - 1, 0);
      expect(again).toBeLessThanOrEqual(partsInFlight);
      expect((await catalog.entities.count({ linked: true })).entities).toBe(150);
      await using moved = openBucket(minioDriver({ endpoint: server.endpoint, region, credentials: { accessKeyId, secretAccessKey } }, 'moved'));
      for (const [key, content] of keys) expect(content.equals(await (await moved.get(key)).bytes())).toBe(true);
      const { stdout } = await run(folder.path, ['check', '--json']);
      expect(objectsOf(stdout).at(-1)).toMatchObject({ exitCode: 0, checked: 150, ok: 150 });
      const scan = await run(folder.path, ['scan', 's3://moved']);
      expect(scan.stdout.trimEnd().split('\n').toSorted()).toEqual([...keys.keys()].map((key) => `s3://moved/${key}`).toSorted());
    }, 300_000);
  });
});
