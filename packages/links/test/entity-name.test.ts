import { parseLink } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import { entityFolders, entityName, kindOf, mimeOf, numberedName } from '../src/index.ts';

describe('the name of a link', () => {
  it.each([
    ['s3://b/a/b/c d%20#.jpg', 'c d%20#.jpg', ['a', 'b']],
    ['s3://b/x.jpg', 'x.jpg', []],
    ['s3://b/a//x.jpg', 'x.jpg', ['a']],
    ['https://x.org/a%20b/c%20d.jpg?size=1&x=/y.png#z', 'c d.jpg', ['x.org', 'a b']],
    ['https://x.org/a%20b%2Fc.jpg', 'a%20b%2Fc.jpg', ['x.org']],
    ['https://x.org/c%2Fd/a%20b.jpg', 'a b.jpg', ['x.org', 'c%2Fd']],
    ['https://x.org/%zz.jpg', '%zz.jpg', ['x.org']],
    ['https://x.org/%00.jpg', '%00.jpg', ['x.org']],
    ['https://me:secret@x.org/', 'x.org', ['x.org']],
    ['https://x.org', 'x.org', ['x.org']],
  ])('of %s is %s', (link, name, folders) => {
    expect(entityName(parseLink(link))).toBe(name);
    expect(entityFolders(parseLink(link))).toEqual(folders);
  });

  it('that is taken is numbered before its ending', () => {
    expect([1, 2, 99, 100].map((n) => numberedName('a.b.jpg', n))).toEqual(['a.b_01.jpg', 'a.b_02.jpg', 'a.b_99.jpg', 'a.b_100.jpg']);
    expect(numberedName('plain', 1)).toBe('plain_01');
    expect(numberedName('.jpg', 1)).toBe('.jpg_01');
    expect(numberedName('A.JPG', 1)).toBe('A_01.JPG');
  });
});

describe('types', () => {
  it('go by the ending, in any case', () => {
    expect(kindOf('a.JPEG')).toBe('images');
    expect(kindOf('a.MkV')).toBe('videos');
    expect(kindOf('a.txt')).toBeUndefined();
    expect(kindOf('.jpg')).toBeUndefined();
    expect(mimeOf('images', 'a.jfif')).toBe('image/jpeg');
    expect(mimeOf('images', 'a.mp4')).toBeUndefined();
    expect(mimeOf('videos', 'a.mp4')).toBe('video/mp4');
  });
});
