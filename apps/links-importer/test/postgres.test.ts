import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '@stowage/catalog';
import { serverOrReason, startPostgres } from '@stowage/test-servers';
import { describe, expect, it } from 'vitest';
import { ended, objectsOf, run, start, useFolder } from './command.ts';

const folder = useFolder();

describe('a catalog in PostgreSQL', () => {
  it('ends an import cleanly, in one line without the password, where the server goes away', async (ctx) => {
    const { server, missing } = await serverOrReason(() => startPostgres());
    if (server === undefined) return ctx.skip(missing);
    await using postgres = server;
    const count = 60_000;
    writeFileSync(join(folder.path, 'many.txt'), Array.from({ length: count }, (_, i) => `fs://pics/${i % 100}/${i}.jpg\n`).join(''));
    const args = ['import', 'many.txt', '--project', 'P', '--verify', 'none', '--db-env', 'CATALOG_URL', '--json', '-v'];
    const env = { CATALOG_URL: postgres.url };
    const child = start(folder.path, args, { env });
    const end = ended(child);
    // At the first lines that are committed, the connections are cut as by a restart.
    await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
    await new Promise<void>((resolve) => child.stdout?.on('data', (text: string) => text.includes('"event":"line"') && resolve()));
    process.kill(postgres.pid, 'SIGINT');
    const first = await end;
    expect(first.code).toBe(4);
    expect(first.stderr).toMatch(/^stowage-links: .*\n$/);
    expect(first.stderr).not.toContain(postgres.password);
    expect(objectsOf(first.stdout).at(-1)).toMatchObject({ event: 'error', exitCode: 4 });
    await postgres.stop();
  }, 300_000);

  it('goes on with an import on the same database when the server is back: nothing is doubled, sums match', async (ctx) => {
    const kept = mkdtempSync(join(tmpdir(), 'stowage-links-postgres-'));
    ctx.onTestFinished(() => rmSync(kept, { recursive: true, force: true }));
    const { server, missing } = await serverOrReason(() => startPostgres({ durable: true, kept: { folder: kept } }));
    if (server === undefined) return ctx.skip(missing);
    const { url, port } = server;
    const count = 60_000;
    const bad = count / 100;
    const lines = Array.from({ length: count }, (_, i) => (i % 100 === 50 ? `bad ${i}` : `fs://pics/${i % 100}/${i % 5000}/${i}.jpg`));
    writeFileSync(join(folder.path, 'many.txt'), `${lines.join('\n')}\n`);
    const args = ['import', 'many.txt', '--project', 'P', '--verify', 'none', '--db-env', 'CATALOG_URL', '--json', '--report-dir', 'report'];
    const env = { CATALOG_URL: url };
    const child = start(folder.path, args, { env });
    const end = ended(child);
    // The first lines that are told are committed. Then every process of the server ends at once, and recovers when it starts again.
    await new Promise<void>((resolve) => child.stdout?.on('data', (text: string) => text.includes('"event":"line"') && resolve()));
    process.kill(server.pid, 'SIGQUIT');
    expect((await end).code).toBe(4);
    await server.stop();

    await using again = await startPostgres({ durable: true, kept: { folder: kept, port } });
    expect(again.url).toBe(url);
    const rows = async (): Promise<string[]> => {
      await using catalog = await openCatalog(url);
      const links: string[] = [];
      for await (const { link = '', name } of catalog.entities.stream()) links.push(`${link} ${name}`);
      return links.toSorted();
    };
    const before = (await rows()).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(count - bad);
    const second = await ended(start(folder.path, args, { env }));
    const last = objectsOf(second.stdout).at(-1) as { tally: Record<string, number> };
    expect(last).toMatchObject({ event: 'end', exitCode: 1, balanced: true, tally: { rows: count, failed: bad, skipped: 0 } });
    expect((last.tally['imported'] ?? 0) + (last.tally['present'] ?? 0)).toBe(count - bad);
    const links = lines.filter((line) => line.startsWith('fs:'));
    const expected = links.map((link) => `${link} ${link.slice(link.lastIndexOf('/') + 1)}`).toSorted();
    expect(await rows()).toEqual(expected);
    const third = await ended(start(folder.path, args, { env }));
    expect(objectsOf(third.stdout).at(-1)).toMatchObject({ tally: { imported: 0, present: count - bad, failed: bad } });
    expect(await rows()).toEqual(expected);
  }, 300_000);

  it('takes the password from PGPASSWORD or a variable, and warns of one on the command line', async (ctx) => {
    const { server, missing } = await serverOrReason(() => startPostgres());
    if (server === undefined) return ctx.skip(missing);
    await using postgres = server;
    writeFileSync(join(folder.path, 'few.txt'), 'fs://pics/1.jpg\nfs://pics/2.jpg\n');
    const args = ['import', 'few.txt', '--project', 'P', '--verify', 'none'];
    const told = await run(folder.path, [...args, '--db', postgres.url]);
    expect(told).toMatchObject({
      code: 0,
      stderr: 'stowage-links: a password on the command line is seen by everybody who lists the processes; use --db-env or PGPASSWORD\n',
    });
    expect(told.stdout).not.toContain(postgres.password);
    expect(await run(folder.path, [...args, '--db-env', 'URL_OF_IT'], { env: { URL_OF_IT: postgres.url } })).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('already there  2'),
    });
    const wrong = await run(folder.path, ['check', '--db-env', 'URL_OF_IT'], { env: { URL_OF_IT: postgres.url.replace(postgres.password, 'wrong') } });
    expect(wrong.code).toBe(4);
    expect(wrong.stderr.trimEnd().split('\n')).toHaveLength(1);
  }, 300_000);
});
