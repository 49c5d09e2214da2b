/**
 * A catalog of a million links: what an import, its repetition and a walk cost, on SQLite and on PostgreSQL beside `COPY` by psql.
 *
 *   node bench/catalog.ts [sqlite|postgres|walk|minute …]
 *
 * Without psql (Debian: apt-get install postgresql-client) its line is left out. Each piece of work runs in a process of its own, so
 * that its memory is its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { type NewEntity, openCatalog } from '@stowage/catalog';
import { startPostgres } from '@stowage/test-servers';
import { type Run, time } from './paired.ts';

const COUNT = 1_000_000;
const BATCH = 5000;
const MINUTE_MS = 60_000;
const self = `${process.execPath} ${import.meta.filename}`;

const [task = '', ...rest] = process.argv.slice(2);
if (task === 'child') await child(rest);
else await bench([task, ...rest].filter(Boolean));

async function bench(chosen: readonly string[]): Promise<void> {
  const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
  const works: Record<string, (root: string) => Promise<void>> = { sqlite, postgres, walk, minute };
  console.log(`node ${process.version}, ${availableParallelism()} cores`);
  try {
    for (const name of chosen.length > 0 ? chosen : Object.keys(works)) {
      const work = works[name];
      if (work === undefined) throw new Error(`expected one of ${Object.keys(works).join(', ')}; got ${name}`);
      await work(root);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function line(name: string, run: Run, more = ''): void {
  console.log(
    `  ${name.padEnd(44)} wall ${run.wallSeconds.toFixed(1).padStart(6)} s  cpu ${run.cpuSeconds.toFixed(1).padStart(5)} s  peak ${run.peakMiB.toFixed(0).padStart(4)} MiB${more}`,
  );
}

/** Orders in which links may come: as a listing gives them, and shuffled. */
async function sqlite(root: string): Promise<void> {
  console.log(`\nSQLite, ${COUNT} links in batches of ${BATCH}`);
  for (const order of ['sorted', 'shuffled', 'one-name']) {
    const path = join(root, `${order}.db`);
    const work = `${self} child import ${path} ${order}`;
    line(`${order}: first import`, await time(work), `  file ${(statSync(path).size / 1e6).toFixed(0)} MB`);
    line(`${order}: again, nothing to add`, await time(work));
  }
}

async function postgres(root: string): Promise<void> {
  await using server = await startPostgres({ durable: true });
  console.log(`\nPostgreSQL, ${COUNT} links in batches of ${BATCH}`);
  const work = `${self} child import ${server.url} sorted`;
  const first = await time(work);
  line('first import', first);
  line('again, nothing to add', await time(work));
  if (spawnSync('psql', ['--version']).status !== 0) {
    console.log('  psql is missing (Debian: apt-get install postgresql-client): no COPY to compare with');
    return;
  }
  const psql = (command: string): string => execFileSync('psql', [server.url, '-qAtc', command], { encoding: 'utf8' });
  const rows = join(root, 'rows.txt');
  psql(`\\copy (SELECT * FROM stowage.entities ORDER BY id) TO '${rows}'`);
  // The same table, empty, with the same indexes.
  psql('TRUNCATE stowage.entities, stowage.link_changes');
  psql('CHECKPOINT');
  const copy = await time(`psql ${server.url} -qc "\\copy stowage.entities FROM '${rows}'"`);
  line('COPY of the same rows by psql', copy);
  console.log(`  first import ÷ COPY: ${(first.wallSeconds / copy.wallSeconds).toFixed(2)}`);
}

/** The same walk over two sizes: four times the entities must take four times as long, in the same memory. */
async function walk(root: string): Promise<void> {
  console.log('\nSQLite, every entity in pages of 1,000');
  for (const count of [COUNT / 4, COUNT]) {
    const path = join(root, `walk-${count}.db`);
    await time(`${self} child import ${path} sorted ${count}`);
    for (const order of ['id', 'link']) line(`${count} entities, by ${order}`, await time(`${self} child walk ${path} ${order}`));
  }
}

/** Two processes write one file for a minute: no error, no lost row. */
async function minute(root: string): Promise<void> {
  const path = join(root, 'minute.db');
  const writers = ['a', 'b'].map((name) => time(`${self} child write ${path} ${name} > ${join(root, name)}`));
  const runs = await Promise.all(writers);
  await using catalog = await openCatalog(path);
  const said = ['a', 'b'].map((name) => Number(execFileSync('tail', ['-n1', join(root, name)], { encoding: 'utf8' })));
  const { entities } = await catalog.entities.count();
  console.log(`\nSQLite, two processes for ${MINUTE_MS / 1000} s: ${said.join(' + ')} rows said to be written, ${entities} there`);
  for (const [i, run] of runs.entries()) line(`writer ${i + 1}`, run);
  if (said.reduce((sum, one) => sum + one, 0) !== entities) throw new Error('rows were lost');
}

async function child([work, location = '', how = '', count = String(COUNT)]: readonly string[]): Promise<void> {
  await using catalog = await openCatalog(location);
  const { id: projectId } = await catalog.projects.ensure({ name: 'cars', type: 'images' });
  const { id: datasetId } = await catalog.datasets.ensure({ projectId, name: 'all' });
  switch (work) {
    case 'import':
      for (let from = 0; from < Number(count); from += BATCH) await catalog.entities.add(links(datasetId, how, from, Number(count)));
      break;
    case 'walk': {
      let met = 0;
      for await (const page of catalog.entities.pages({ projectId }, { order: how === 'link' ? 'link' : 'id' })) met += page.entities.length;
      if (met === 0) throw new Error('nothing was met');
      break;
    }
    case 'write': {
      const said = createWriteStream('/dev/stdout');
      const end = performance.now() + MINUTE_MS;
      let written = 0;
      while (performance.now() < end) {
        const items = Array.from({ length: 500 }, (_, i) => ({ datasetId, name: 'image.jpg', link: `s3://cars/${how}/${written + i}.jpg` }));
        written += (await catalog.entities.add(items)).filter(({ kind }) => kind === 'added').length;
        if (!said.write(`${written}\n`)) await once(said, 'drain');
      }
      said.end();
      break;
    }
    default:
      throw new Error(`expected import, walk or write; got ${work}`);
  }
}

function links(datasetId: number, order: string, from: number, count: number): NewEntity[] {
  return Array.from({ length: BATCH }, (_, i) => {
    // 7919 is prime: every number below the count comes once.
    const number = order === 'shuffled' ? ((from + i) * 7919) % count : from + i;
    const folder = String(Math.floor(number / 1000)).padStart(5, '0');
    const name = `image_${String(number).padStart(8, '0')}.jpg`;
    return { datasetId, name: order === 'one-name' ? 'image.jpg' : name, link: `s3://cars_2020_20_10/2020/${folder}/${name}` };
  });
}
