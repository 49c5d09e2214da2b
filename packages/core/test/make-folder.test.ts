import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../src/index.ts';

const root = fs.mkdtempSync(join(tmpdir(), 'stowage-make-folder-'));
afterAll(() => fs.rmSync(root, { recursive: true }));
const at = (name: string): string => join(root, name);

describe('makeFolder', () => {
  it('makes what is missing, with the mode that was asked for, and leaves what is there', () => {
    makeFolder(fs, at('a/b/c'), 0o700);
    expect(['a', 'a/b', 'a/b/c'].map((name) => fs.statSync(at(name)).mode & 0o777)).toEqual([0o700, 0o700, 0o700]);
    fs.chmodSync(at('a'), 0o755);
    fs.symlinkSync(at('a'), at('link'));
    for (const name of ['a', 'a/b', 'link', 'link/b', '.']) makeFolder(fs, at(name));
    expect(fs.statSync(at('a')).mode & 0o777).toBe(0o755);
    makeFolder(fs, '/');
  });

  it.each([
    ['a file', 'file', 'EEXIST'],
    ['a path through a file', 'file/below', 'ENOTDIR'],
    ['a link to nothing', 'dangling', 'EEXIST'],
  ])('throws for %s', (_, name, code) => {
    fs.writeFileSync(at('file'), '');
    fs.rmSync(at('dangling'), { force: true });
    fs.symlinkSync(at('nowhere'), at('dangling'));
    expect(() => makeFolder(fs, at(name))).toThrow(expect.objectContaining({ code }));
  });

  it.runIf(process.platform === 'linux').each(['/proc/x', '/proc/x/y'])('ends where a folder takes none: %s', (path) => {
    expect(() => makeFolder(fs, path)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
