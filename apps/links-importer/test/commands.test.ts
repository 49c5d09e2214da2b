import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { objectsOf, plant, run, useFolder } from './command.ts';

const folder = useFolder();
const links = (args: readonly string[], o: Parameters<typeof run>[2] = {}): ReturnType<typeof run> => run(folder.path, args, o);
const PICTURES = { 'pics/a/1.jpg': 'one', 'pics/a/b/1.jpg': 'two', 'pics/3.png': 'three', 'pics/notes.txt': 'four' };

describe('from start to end', () => {
  it('scans, imports, checks, migrates and goes back', async () => {
    plant(folder.path, PICTURES);
    expect(await links(['scan', 'fs://pics/', '--type', 'images', '-o', 'pics.txt'])).toMatchObject({
      code: 0,
      stderr: 'stowage-links: 3 links of 4 objects\n',
    });
    expect(readFileSync(join(folder.path, 'pics.txt'), 'utf8')).toBe('fs://pics/3.png\nfs://pics/a/1.jpg\nfs://pics/a/b/1.jpg\n');
    const dry = await links(['import', 'pics.txt', '--project', 'Pics', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toContain('to import      3  1 renamed');
    expect(existsSync(join(folder.path, 'stowage-catalog.sqlite'))).toBe(false);
    expect(await links(['import', 'pics.txt', '--project', 'Pics'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('imported       3  1 renamed\nalready there  0\n'),
    });
    expect(await links(['import', '-', '--project', 'Pics', '--dataset', 'pics'], { input: gzipSync('fs://pics/3.png\n') })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('already there  1\n'),
    });
    expect(await links(['check'])).toMatchObject({ code: 0, stderr: '' });

    writeFileSync(join(folder.path, 'pics/a/1.jpg'), 'another');
    rmSync(join(folder.path, 'pics/3.png'));
    const check = await links(['check', '--project', 'Pics', '--json', '--report', 'findings.jsonl']);
    expect(check.code).toBe(6);
    expect(objectsOf(check.stdout).filter(({ event }) => event === 'finding')).toEqual([
      { event: 'finding', finding: 'gone', id: 1, place: 'Pics/pics/3.png', link: 'fs://pics/3.png', message: expect.any(String) },
      { event: 'finding', finding: 'changed', id: 2, place: 'Pics/pics/1.jpg', link: 'fs://pics/a/1.jpg', message: 'it has 7 bytes; the catalog says 3' },
    ]);
    expect(objectsOf(readFileSync(join(folder.path, 'findings.jsonl'), 'utf8'))).toHaveLength(2);
    plant(folder.path, PICTURES);

    const list = await links(['entities', 'list', '--project', 'Pics', '--json']);
    expect(objectsOf(list.stdout).map(({ name, link }) => [name, link])).toEqual([
      ['3.png', 'fs://pics/3.png'],
      ['1.jpg', 'fs://pics/a/1.jpg'],
      ['1_01.jpg', 'fs://pics/a/b/1.jpg'],
    ]);
    expect((await links(['entities', 'export', '--project', 'Pics'])).stdout).toBe('fs://pics/3.png\nfs://pics/a/1.jpg\nfs://pics/a/b/1.jpg\n');
  });

  it('adds entities that lie in the main storage, moves them, sets links by a map and takes them back', async () => {
    plant(folder.path, { 'data/storage/private/i/1': 'the first', 'data/storage/private/i/2': 'the second' });
    const rows = [1, 2].map((i) => JSON.stringify({ name: `${i}.jpg`, dataset: ['d', 'nested'], local: `/private/i/${i}`, mime: 'image/jpeg' }));
    expect(await links(['entities', 'add', '-', '--project', 'Kept', '--type', 'images'], { input: `${rows.join('\n')}\nno json\n` })).toMatchObject({
      code: 1,
      stdout: '2 added, 0 present, 0 skipped (name taken), 1 refused\n',
    });
    const plan = await links(['migrate', 'Kept', '--to', 'fs://archive/moved', '--layout', 'nested', '--dry-run']);
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain('to upload Kept/d/nested/1.jpg → fs://archive/moved/images/1/1/2/1.jpg (9 B)\n');
    expect(readdirSync(join(folder.path, 'archive'))).toEqual([]);
    const moved = await links(['migrate', 'Kept', '--to', 'fs://archive/moved', '--layout', 'nested', '--json']);
    expect(objectsOf(moved.stdout).at(-1)).toMatchObject({ event: 'end', exitCode: 0, linked: 2, uploaded: { entities: 2, bytes: 19 }, complete: true });
    expect(readFileSync(join(folder.path, 'archive/moved/images/1/1/2/2.jpg'), 'utf8')).toBe('the second');
    expect(await links(['migrate', 'Kept', '--to', 'fs://archive/moved'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('entities       0  2 had a link before'),
    });
    expect(await links(['unlink', '1'])).toMatchObject({ code: 0, stdout: 'unlinked  1\nno-link   0\n' });
    writeFileSync(join(folder.path, 'map.csv'), 'id;link\n1;fs://archive/elsewhere/1;x.jpg\n');
    expect(await links(['set-remote', '--map', 'map.csv', '--clear-local'])).toMatchObject({ code: 0 });
    const shown = JSON.parse((await links(['entities', 'show', '1'])).stdout) as { link: string; local?: string; history: unknown[] };
    expect(shown).toMatchObject({ link: 'fs://archive/elsewhere/1;x.jpg' });
    expect(shown.local).toBeUndefined();
    expect(shown.history).toHaveLength(3);
    expect(await links(['unlink', '--project', 'Kept'])).toMatchObject({ code: 0, stdout: expect.stringContaining('unlinked  2\n') });
    expect(await links(['projects', 'remove', 'Kept'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('this would remove the project "Kept" with 2 entities from the catalog (no bytes); say --yes to do it'),
    });
    expect(await links(['projects', 'remove', 'Kept', '--yes'])).toMatchObject({ code: 0 });
    expect(existsSync(join(folder.path, 'data/storage/private/i/1'))).toBe(true);
  });
});

describe('a folder', () => {
  it('is that folder alone: neither scan nor --from takes one along whose name begins alike', async () => {
    plant(folder.path, { 'pics/a/1.jpg': 'a', 'pics/ab/2.jpg': 'ab', 'x.txt': 'fs://pics/a/1.jpg\nfs://pics/ab/2.jpg\n' });
    for (const place of ['fs://pics/a', 'fs://pics/a/', 'FS://pics/a']) expect((await links(['scan', place])).stdout).toBe('fs://pics/a/1.jpg\n');
    await links(['import', 'x.txt', '--project', 'P']);
    const plan = async (from: string): Promise<readonly unknown[]> =>
      objectsOf((await links(['migrate', 'P', '--from', from, '--to', 'fs://archive', '--dry-run', '--json'])).stdout)
        .filter(({ event }) => event === 'end')
        .map(({ entities }) => entities);
    expect(await plan('fs://pics/a')).toEqual([1]);
    expect(await plan('fs://pics')).toEqual([2]);
    expect(await plan('fs://pic')).toEqual([0]);
  });
});

describe('https links of a store', () => {
  const urls = [
    'https://cars.s3.eu-central-1.amazonaws.com/a%20b/1.jpg',
    'https://account.blob.core.windows.net/boats/2.jpg',
    'https://storage.googleapis.com/planes/3.jpg',
    'https://example.org/4.jpg',
  ];
  const imported = async (...flags: string[]): Promise<unknown> => {
    plant(folder.path, { 'urls.txt': urls.join('\n') });
    // Without a configuration, buckets are not looked for.
    for (const name of ['remote_links.yml', '.env']) rmSync(join(folder.path, name));
    expect(await links(['import', 'urls.txt', '--project', 'P', '--verify', 'none', ...flags])).toMatchObject({ code: 0 });
    return objectsOf((await links(['entities', 'list', '--project', 'P', '--json'])).stdout).map(({ link }) => link);
  };

  it('stay as they are', async () => {
    expect(await imported()).toEqual(urls);
  });

  it('become links of their bucket with --store-urls', async () => {
    expect(await imported('--store-urls')).toEqual(['s3://cars/a b/1.jpg', 'azure://boats/2.jpg', 'google://planes/3.jpg', 'https://example.org/4.jpg']);
  });
});

describe('providers', () => {
  it('are loaded where the command needs them', async () => {
    plant(folder.path, { ...PICTURES, 'data/storage/private/1': 'one' });
    const config = readFileSync(join(folder.path, 'remote_links.yml'), 'utf8');
    plant(folder.path, {
      'remote_links.yml': `${config}boats:\n  provider: azure\n  account: a\n  access_key: a\n  secret_key: ${'a'.repeat(86)}==\n  buckets: [boats]\n`,
    });
    const imported = new Set<string>();
    const importPackage = (name: string): Promise<unknown> => {
      imported.add(name);
      return import(name);
    };
    const loading = async (...args: string[]): Promise<unknown> => {
      imported.clear();
      const input = '{"name":"1.jpg","dataset":["d"],"local":"/private/1"}';
      expect(await links(args, { importPackage, input })).toMatchObject({ code: 0 });
      return [...imported].toSorted();
    };
    expect(await loading('scan', 'fs://pics/')).toEqual(['@stowage/fs']);
    await loading('entities', 'add', '-', '--project', 'P', '--type', 'images');
    expect(await loading('migrate', 'P', '--to', 'fs://archive/moved')).toEqual(['@stowage/fs']);
    expect(await loading('check')).toEqual(['@stowage/azure', '@stowage/fs', '@stowage/http']);
    expect(await loading('unlink', '--project', 'P')).toEqual(['@stowage/fs']);
  });
});

describe('bad input', () => {
  it.each([
    ['a file that is not there', ['import', 'none.txt', '--project', 'P'], 3, 'the links file "none.txt" is not there'],
    [
      'a folder',
      ['import', 'pics', '--project', 'P'],
      3,
      '"pics" is a folder; expected a links file: "stowage-links scan" makes one of a configured folder or bucket',
    ],
    ['no project', ['import', 'x.txt'], 2, "required option '--project <name>' not specified; try --help"],
    [
      'two files of one dataset',
      ['import', 'a/x.txt', 'b/x.txt', '--project', 'P'],
      2,
      '2 files would become the dataset "x" ("a/x.txt", "b/x.txt"); name one for all with --dataset, or import them one by one',
    ],
    ['a place that is none', ['scan', 'pics'], 2, 'is no link of a bucket or prefix: column 1: expected'],
    [
      'an unknown bucket',
      ['scan', 'fs://pic/'],
      2,
      'no configured storage has the fs bucket "pic"; configured: fs "archive" ("archive"), fs "pics" ("pics"); did you mean "pics"?',
    ],
    ['no catalog', ['check'], 2, 'stowage-catalog.sqlite'],
    [
      'a variable that is not set',
      ['check', '--db-env', 'NOWHERE'],
      2,
      'expected the catalog\'s place in the variable "NOWHERE", as --db-env says; it is not set',
    ],
    ['a catalog that is none', ['check', '--db', 'remote_links.yml'], 4, 'remote_links.yml'],
    ['a map that is none', ['set-remote', '--map', 'x.txt'], 2, 'x.txt:1: expected the id of an entity; got ""'],
    ['a misspelt option', ['check', '--projct', 'P'], 2, "unknown option '--projct' (Did you mean --project?); try --help"],
  ])('is told in one line: %s', async (_what, args, code, message) => {
    plant(folder.path, { 'x.txt': 'fs://pics/1.jpg\n', 'a/x.txt': '', 'b/x.txt': '' });
    if (_what === 'an unknown bucket') {
      const yml = readFileSync(join(folder.path, 'remote_links.yml'), 'utf8');
      writeFileSync(
        join(folder.path, 'remote_links.yml'),
        yml
          .split(/(?=archive:)/)
          .toReversed()
          .join(''),
      );
    }
    const outcome = await links(args);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(outcome.stderr).not.toContain('    at ');
  });

  it('a bucket of an entry that is left out is not taken for one of the main storage', async () => {
    writeFileSync(join(folder.path, '.env'), 'STORAGE_PROVIDER=minio\nSTORAGE_ENDPOINT=http://127.0.0.1:1\nSTORAGE_ACCESS_KEY=a\nSTORAGE_SECRET_KEY=b\n');
    const yml = readFileSync(join(folder.path, 'remote_links.yml'), 'utf8');
    writeFileSync(join(folder.path, 'remote_links.yml'), `${yml}cars:\n  provider: minio\n  endpoint: nowhere\n  buckets: [cars]\n`);
    await links(['projects', 'create', 'P']);
    for (const args of [
      ['migrate', 'P', '--to', 's3://cars/moved', '--dry-run'],
      ['scan', 's3://cars'],
    ])
      expect(await links(args)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('it is not looked for in the main storage while an entry has an error'),
      });
  });

  it('each bad line is told by file, line, column and reason, and can be given back', async () => {
    plant(folder.path, {
      ...PICTURES,
      'x.txt': 'fs://pics/3.png\nfs://pics/none.jpg\nfsx://pics/a\n  fs://pics/3.png\n',
      'bin.txt': Buffer.from('fs://pics/3.png\n\0'),
      'long.txt': `fs://pics/${'x'.repeat(100_000)}`,
    });
    const { code, stderr, stdout } = await links(['import', 'x.txt', 'bin.txt', 'long.txt', '--project', 'P', '--report-dir', 'report']);
    expect(code).toBe(1);
    expect(stderr.split('\n').map((line) => line.slice(0, 60))).toEqual([
      'x.txt:2:1: "none.jpg": there is no such object',
      'x.txt:3:1: expected <scheme>://<bucket>/<key> with a scheme ',
      'x.txt:4:1: expected <scheme>://<bucket>/<key> with a scheme ',
      'bin.txt:1: expected a text file of links; this is binary (by',
      'long.txt:1:1: the line is longer than 65,536 bytes; expected',
      '',
    ]);
    expect(stdout).toContain('failed         4  1 missing, 3 bad-line');
    expect(readFileSync(join(folder.path, 'report/failed/x.txt'), 'utf8')).toBe('fs://pics/none.jpg\nfsx://pics/a\n  fs://pics/3.png\n');
    plant(folder.path, { 'pics/none.jpg': 'now' });
    expect((await links(['import', 'report/failed/x.txt', '--project', 'P'])).stdout).toContain('imported       1\n');
    expect(objectsOf((await links(['datasets', 'list', '--project', 'P', '--json'])).stdout).map(({ name, entities }) => [name, entities])).toEqual([['x', 2]]);
  });

  it('a catalog that another writer holds, and one of a newer schema', async () => {
    plant(folder.path, { ...PICTURES, 'x.txt': 'fs://pics/3.png\n' });
    await links(['import', 'x.txt', '--project', 'P']);
    using held = new DatabaseSync(join(folder.path, 'stowage-catalog.sqlite'));
    held.exec('BEGIN IMMEDIATE');
    const locked = await links(['projects', 'create', 'Q', '--lock-timeout', '100ms']);
    expect(locked).toMatchObject({ code: 4, stderr: expect.stringMatching(/^stowage-links: .*was in use by another process for 0.1 s/) });
    expect(locked.stderr.trimEnd().split('\n')).toHaveLength(1);
    held.exec('ROLLBACK');
    held.exec('UPDATE catalog_version SET version = 99');
    const newer = await links(['check']);
    expect(newer).toMatchObject({ code: 4, stderr: expect.stringMatching(/^stowage-links: .*newer/) });
    expect((await links(['import', 'x.txt', '--project', 'P'])).code).toBe(4);
  });
});

describe('help', () => {
  it.each(
    [
      [],
      ['import'],
      ['check'],
      ['scan'],
      ['migrate'],
      ['set-remote'],
      ['unlink'],
      ['projects'],
      ['projects', 'export'],
      ['datasets', 'remove'],
      ['entities', 'add'],
    ].map((args) => [args]),
  )('fits 80 columns: %j', async (args) => {
    const { code, stdout } = await links([...args, '--help']);
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});
