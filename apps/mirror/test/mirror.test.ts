import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRoot, nobodyCanRun, plant, run, THEN, treeOf, useFolder } from './command.ts';

const folder = useFolder();
const at = (name: string): string => join(folder.path, name);
const TREE = { a: '1', 'd/b': '22', 'd/e/c': '333', 'odd \n\t%41 ü😀.txt': 'x' };

describe('sync', () => {
  it('copies a tree, and finds nothing to do the second time', async () => {
    plant(at('from'), TREE);
    const first = await run(['sync', at('from'), at('to')]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/copied +4 +7 B/);
    expect(first.stdout).toMatch(/In sync\.\n$/);
    expect(treeOf(at('to'))).toEqual(TREE);
    expect(statSync(at('to/a')).mtime).toEqual(THEN);

    const second = await run(['sync', at('from'), at('to')]);
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/same +4 +7 B/);
    expect(second.stdout).toMatch(/0 to copy: in sync already\.\n$/);
  });

  it('updates what changed, and deletes only when told to', async () => {
    plant(at('from'), TREE);
    plant(at('to'), { ...TREE, a: 'other', 'gone/x': '!' });
    expect((await run(['sync', at('from'), at('to')])).stdout).toMatch(/skipped +1 +1 B  1 extra/);
    expect(treeOf(at('to'))).toEqual({ ...TREE, 'gone/x': '!' });
    expect((await run(['sync', at('from'), at('to'), '--remove'])).stdout).toMatch(/deleted +1 +1 B/);
    expect(treeOf(at('to'))).toEqual(TREE);
    expect(existsSync(at('to/gone'))).toBe(false);
  });

  it('tells apart two trees that differ in one file of the same size and time by content alone', async () => {
    plant(at('from'), { ...TREE, 'd/e/c': 'abc' });
    plant(at('to'), TREE);
    expect((await run(['check', at('from'), at('to')])).code).toBe(0);
    const checked = await run(['check', at('from'), at('to'), '--checksum', '--verbose']);
    expect(checked.code).toBe(6);
    expect(checked.stdout).toMatch(/^differs +d\/e\/c {2}\(content\)$/m);
    expect((await run(['sync', at('from'), at('to')])).stdout).toContain('0 to copy');
    expect(treeOf(at('to'))).toEqual(TREE);
    expect((await run(['sync', at('from'), at('to'), '-c'])).stdout).toMatch(/updated +1 +3 B/);
    expect(treeOf(at('to'))).toEqual({ ...TREE, 'd/e/c': 'abc' });
    expect((await run(['check', at('from'), at('to'), '--checksum'])).code).toBe(0);
  });

  it('takes sizes alone with --size-only', async () => {
    plant(at('from'), { a: 'new' });
    plant(at('to'), { a: 'old' });
    utimesSync(at('from/a'), new Date(), new Date());
    expect((await run(['sync', at('from'), at('to'), '--size-only'])).stdout).toContain('0 to copy');
    expect(treeOf(at('to'))).toEqual({ a: 'old' });
  });

  it('changes nothing with --dry-run, and says what it would do', async () => {
    plant(at('from'), TREE);
    plant(at('to'), { a: '1', z: '!' });
    const { code, stdout } = await run(['sync', at('from'), at('to'), '--delete', '-n']);
    expect(code).toBe(0);
    expect(stdout).toContain('copy      d/b\n');
    expect(stdout).toContain('delete    z\n');
    expect(stdout).toContain('3 to copy, 0 to update, 1 to delete; nothing was done.');
    expect(treeOf(at('to'))).toEqual({ a: '1', z: '!' });
  });

  it('is silent with --quiet', async () => {
    plant(at('from'), TREE);
    expect(await run(['sync', at('from'), at('to'), '--quiet', '--no-fsync', '--transfers', '2'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(treeOf(at('to'))).toEqual(TREE);
  });

  it('says a line for each key with --verbose, with nothing that would move a cursor', async () => {
    plant(at('from'), { a: '1', 'b\u001b[2J\n\u202e.txt': '2' });
    plant(at('to'), { a: '1' });
    const { stdout } = await run(['sync', at('from'), at('to'), '-v']);
    expect(stdout).toContain('same      a\n');
    expect(stdout).toContain('copied    b\\x1b[2J\\n\\u202e.txt\n');
  });

  it('tells links, and copies those to files of the tree', async () => {
    plant(at('from'), { a: '1' });
    symlinkSync('a', at('from/to-file'));
    symlinkSync('nowhere', at('from/to-nothing'));
    symlinkSync('/etc', at('from/out'));
    const { code, stdout } = await run(['sync', at('from'), at('to')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/skipped +2 +0 B  2 symlink/);
    expect(treeOf(at('to'))).toEqual({ a: '1', 'to-file': '1' });
    expect((await run(['sync', at('from'), at('to2'), '--symlinks', 'skip'])).stdout).toMatch(/skipped +3 /);
    expect(treeOf(at('to2'))).toEqual({ a: '1' });
  });

  it('replaces a file by a folder and a folder by a file', async () => {
    plant(at('from'), { 'was-file/x': '1', 'was-folder': '2' });
    plant(at('to'), { 'was-file': 'f', 'was-folder/y': 'g' });
    expect((await run(['sync', at('from'), at('to')])).code).toBe(1);
    expect(treeOf(at('to'))).toEqual({ 'was-file': 'f', 'was-folder/y': 'g' });
    expect((await run(['sync', at('from'), at('to'), '--delete'])).code).toBe(0);
    expect(treeOf(at('to'))).toEqual({ 'was-file/x': '1', 'was-folder': '2' });
  });
});

describe('copy', () => {
  it('never deletes, and has no option for it', async () => {
    plant(at('from'), { a: '1' });
    plant(at('to'), { z: '!' });
    expect((await run(['copy', at('from'), at('to')])).code).toBe(0);
    expect(treeOf(at('to'))).toEqual({ a: '1', z: '!' });
    expect(await run(['copy', at('from'), at('to'), '--delete'])).toMatchObject({ code: 2, stderr: "stowage-mirror: unknown option '--delete'; try --help\n" });
  });

  it('copies one file into a folder, which may be above its own', async () => {
    plant(at('from'), { 'd/photo.jpg': 'p', 'd/photo.jpg.bak': 'q', 'd/photo/x': 'r' });
    expect((await run(['copy', at('from/d/photo.jpg'), at('to/new')])).stdout).toMatch(/total +1 /);
    expect(treeOf(at('to'))).toEqual({ 'new/photo.jpg': 'p' });
    expect((await run(['copy', 'photo.jpg', at('from')], { cwd: at('from/d') })).code).toBe(0);
    expect(treeOf(at('from'))).toMatchObject({ 'photo.jpg': 'p', 'd/photo.jpg': 'p' });
    expect((await run(['copy', at('from/d/photo.jpg'), at('from/d')])).code).toBe(5);
  });

  it('takes an empty folder for what it is', async () => {
    mkdirSync(at('from'));
    expect((await run(['copy', at('from'), at('to')])).code).toBe(0);
  });
});

describe('check', () => {
  it('tells what is missing, differs and is superfluous, by its exit code too', async () => {
    plant(at('from'), { a: '1', b: '22', c: '3' });
    plant(at('to'), { b: '2', c: '3', d: '4' });
    const { code, stdout } = await run(['check', at('from'), at('to'), '--verbose']);
    expect(code).toBe(6);
    expect(stdout).toMatch(/^missing +a\ndiffers +b {2}\(size\)\nsame +c\nextra +d\n/);
    expect(stdout).toContain('Not the same: 3 objects.');
    expect(treeOf(at('to'))).toEqual({ b: '2', c: '3', d: '4' });
  });

  it('lists what is not the same without being asked, unless told to be quiet', async () => {
    plant(at('from'), { a: '1', c: '3' });
    plant(at('to'), { c: '3', d: '4' });
    expect((await run(['check', at('from'), at('to')])).stdout).toMatch(/^missing +a\nextra +d\n +objects/);
    expect((await run(['check', at('from'), at('to'), '--quiet'])).stdout).toBe('');
  });

  it('finds no differences in equal trees', async () => {
    plant(at('from'), TREE);
    plant(at('to'), TREE);
    const { code, stdout } = await run(['check', at('from'), at('to'), '-c']);
    expect([code, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, 'No differences.']);
  });
});

describe('plan', () => {
  it('prints what a sync then does, and makes nothing', async () => {
    plant(at('from'), { a: '1', b: 'new' });
    plant(at('to'), { b: 'old!', z: '!' });
    const planned = await run(['plan', at('from'), at('to'), '--delete']);
    expect(planned.code).toBe(0);
    expect(planned.stdout).toMatch(/^copy +a\nupdate +b {2}\(size\)\ndelete +z\n/);
    expect(treeOf(at('to'))).toEqual({ b: 'old!', z: '!' });
    expect((await run(['plan', at('from'), at('none')])).code).toBe(0);
    expect(existsSync(at('none'))).toBe(false);
  });
  it('exits with 9 where something would be done, if asked', async () => {
    plant(at('from'), { a: '1' });
    expect((await run(['plan', at('from'), at('to'), '--exit-code'])).code).toBe(9);
    plant(at('to'), { a: '1' });
    expect((await run(['plan', at('from'), at('to'), '--exit-code'])).code).toBe(0);
  });
});

describe('guards', () => {
  it.each([
    ['a number', ['--max-delete', '1'], 5],
    ['a share', ['--max-delete', '50%'], 5],
    ['a number that is enough', ['--max-delete', '2'], 0],
  ])('of deletions: %s', async (_, options, code) => {
    plant(at('from'), { a: '1' });
    plant(at('to'), { a: '1', y: '!', z: '!' });
    const { code: got, stdout } = await run(['sync', at('from'), at('to'), '--delete', ...options]);
    expect(got).toBe(code);
    expect(treeOf(at('to'))).toEqual(code === 5 ? { a: '1', y: '!', z: '!' } : { a: '1' });
    if (code === 5) expect(stdout).toContain('Nothing was deleted. 2 objects were to be deleted and none was');
  });

  it('an unreadable folder of the source is told, and nothing is deleted', async (context) => {
    if (!nobodyCanRun()) context.skip('a process of nobody cannot read these sources');
    plant(at('from'), { a: '1', 'locked/x': '2' });
    plant(at('to'), { 'locked/x': '2', 'locked/y': '3', z: '!' });
    for (const path of ['to', 'to/locked']) chmodSync(at(path), 0o777);
    chmodSync(at('from/locked'), isRoot ? 0o700 : 0o000);
    try {
      const { code, stdout, stderr } = await run(['sync', at('from'), at('to'), '--delete', '--no-fsync'], { asNobody: true });
      expect(code).toBe(5);
      expect(stderr).toMatch(/1 failed \(unreadable\): .*EACCES.*\n {2}locked\/\n {2}What to do: make it readable/);
      expect(stdout).toMatch(/skipped +3 .*2 unknown/);
      expect(treeOf(at('to'))).toEqual({ a: '1', 'locked/x': '2', 'locked/y': '3', z: '!' });
    } finally {
      chmodSync(at('from/locked'), 0o755);
    }
  });

  it('a file that cannot be read fails alone', async (context) => {
    if (!nobodyCanRun()) context.skip('a process of nobody cannot read these sources');
    plant(at('from'), { a: '1', b: '2', c: '3' });
    mkdirSync(at('to'));
    chmodSync(at('to'), 0o777);
    chmodSync(at('from/b'), isRoot ? 0o600 : 0o000);
    const { code, stderr, stdout } = await run(['sync', at('from'), at('to')], { asNobody: true });
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 failed \(AccessDenied\): .*\n {2}b\n {2}What to do: look at owner and permissions/);
    expect(stdout).toContain('Not in sync: 1 object failed or in conflict.');
    expect(treeOf(at('to'))).toEqual({ a: '1', c: '3' });
  });

  it('a destination that may not be written is told at once', async (context) => {
    if (!nobodyCanRun()) context.skip('a process of nobody cannot read these sources');
    plant(at('from'), { a: '1' });
    mkdirSync(at('to'));
    chmodSync(at('to'), isRoot ? 0o755 : 0o555);
    for (const to of ['to', 'to/new']) {
      const { code, stderr } = await run(['sync', at('from'), at(to)], { asNobody: true });
      expect([code, stderr]).toEqual([
        4,
        `stowage-mirror: the destination ${JSON.stringify(at(to))} cannot be written: permission denied at ${JSON.stringify(at('to'))}; look at its owner and permissions\n`,
      ]);
    }
    expect(treeOf(at('to'))).toEqual({});
  });
});

describe('links', () => {
  const config = (path: string): string => `shelf:\n  provider: fs\n  path: ${path}\n`;
  it('name configured folders and parts of them', async () => {
    plant(at('shelf'), { '2020/a': '1', '2020-old/b': '2' });
    writeFileSync(at('remote_links.yml'), config(at('shelf')));
    expect(await run(['sync', 'fs://shelf/2020', 'out'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' });
    expect(treeOf(at('out'))).toEqual({ a: '1' });
    plant(at('in'), { n: '3' });
    expect((await run(['copy', at('in'), 'fs://shelf/new/'], { env: { STOWAGE_CONFIG: at('remote_links.yml') } })).code).toBe(0);
    expect(treeOf(at('shelf'))).toEqual({ '2020/a': '1', '2020-old/b': '2', 'new/n': '3' });
    expect((await run(['check', 'fs://shelf', at('shelf2'), '--config', at('remote_links.yml')])).code).toBe(4);
  });

  it('are seen to be inside of paths, and the reverse', async () => {
    plant(at('shelf'), { '2020/a': '1' });
    writeFileSync(at('c.yml'), config(at('shelf')));
    for (const places of [
      ['fs://shelf/2020/', at('shelf')],
      [at('shelf'), 'fs://shelf/2020/'],
      [at('shelf/2020'), 'fs://shelf/'],
    ]) {
      const { code } = await run(['sync', ...places, '--config', at('c.yml'), '--delete']);
      expect(code).toBe(5);
    }
    expect(treeOf(at('shelf'))).toEqual({ '2020/a': '1' });
  });

  it('go on with what can be used of a configuration', async () => {
    plant(at('shelf'), { a: '1' });
    writeFileSync(at('c.yml'), `${config(at('shelf'))}other:\n  provider: fz\n  path: /x\n`);
    const { code, stderr } = await run(['sync', 'fs://shelf/', at('out'), '--config', at('c.yml')]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^stowage-mirror: configuration error: .*other\.provider.*"fz"/);
    expect(readFileSync(at('out/a'), 'utf8')).toBe('1');
  });
});

describe('variables', () => {
  const LINKS = 'shelf:\n  provider: fs\n  path: ${SHELF}\n';
  it('come from .env of the working folder, from the file of --dotenv instead, and from the environment before both', async () => {
    for (const name of ['a', 'b', 'c']) plant(at(name), { [name]: name });
    mkdirSync(at('work'));
    writeFileSync(at('work/remote_links.yml'), LINKS);
    writeFileSync(at('work/.env'), `SHELF=${at('a')}\n`);
    writeFileSync(at('b.env'), `SHELF=${at('b')}\n`);
    const cwd = at('work');
    expect(await run(['sync', 'fs://shelf/', at('out1')], { cwd })).toMatchObject({ code: 0, stderr: '' });
    expect(await run(['sync', 'fs://shelf/', at('out2'), '--dotenv', '../b.env'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    expect(await run(['sync', 'fs://shelf/', at('out3')], { cwd, env: { SHELF: at('c') } })).toMatchObject({ code: 0, stderr: '' });
    expect([treeOf(at('out1')), treeOf(at('out2')), treeOf(at('out3'))]).toEqual([{ a: 'a' }, { b: 'b' }, { c: 'c' }]);
  });

  it('are not looked for where no link is named, nor in a folder that is named .env', async () => {
    plant(at('from'), { a: '1' });
    writeFileSync(at('.env'), 'STORAGE_PROVIDER=nobody\n');
    expect(await run(['sync', 'from', 'to'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' });
    mkdirSync(at('work/.env'), { recursive: true });
    writeFileSync(at('work/remote_links.yml'), LINKS);
    expect(await run(['sync', 'fs://shelf/', at('out')], { cwd: at('work'), env: { SHELF: at('from') } })).toMatchObject({ code: 0, stderr: '' });
  });
});
