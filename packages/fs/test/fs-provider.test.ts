import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fs, platformRoot } from '../src/index.ts';
import { read, testFolder } from './folder.ts';

describe('the provider', () => {
  test('fs://local-datasets/persons/image1.jpg is <path>/persons/image1.jpg', async () => {
    const path = testFolder();
    mkdirSync(`${path}/persons`);
    writeFileSync(`${path}/persons/image1.jpg`, 'jpg');
    const driver = fs.open(fs.parseConfig({ provider: 'fs', path, storage_id: 'local-datasets' }), 'local-datasets');
    expect([fs.name, fs.schemes, driver.provider, driver.bucket]).toEqual(['fs', ['fs'], 'fs', 'local-datasets']);
    expect(await read(driver, 'persons/image1.jpg')).toBe('jpg');
    expect(() => fs.open(fs.parseConfig({ path, storage_id: 'local-datasets' }), 'other')).toThrow(/local-datasets/);
    expect(fs.open(fs.parseConfig({ path }), 'any').bucket).toBe('any');
  });

  test('keeps every option', () => {
    const entry = { provider: 'fs', path: '/data', storage_id: 'x', create: true, symlinks: 'skip', durability: 'none' };
    expect(fs.parseConfig(entry)).toEqual({ path: '/data', storageId: 'x', create: true, symlinks: 'skip', durability: 'none' });
  });

  test.each([
    [null, /mapping/],
    [[], /mapping/],
    ['/data', /mapping/],
    [{ path: '/d', provider: 's3' }, /provider: expected fs/],
    [{}, /path: expected an absolute path of a folder; got nothing/],
    [{ path: 'relative' }, /path: expected an absolute path/],
    [{ path: '/d', storage_id: 'a/b' }, /storage_id/],
    [{ path: '/d', storage_id: 1 }, /storage_id.*a number/],
    [{ path: '/d', create: 'yes' }, /create/],
    [{ path: '/d', symlinks: 'follow' }, /symlinks/],
    [{ path: '/d', durability: 'some' }, /durability/],
    [{ path: '/d', pth: '/e' }, /pth: unknown field/],
  ])('refuses %j, naming the field and never its value', (entry, message) => {
    expect(() => fs.parseConfig(entry)).toThrow(message);
    expect(() => fs.parseConfig(entry)).toThrow(expect.objectContaining({ code: 'Config' }));
  });

  test("the platform's layout: DATA_PATH/storage/<bucket>", () => {
    expect(platformRoot('/supervisely/data', 'acme-public')).toBe('/supervisely/data/storage/acme-public');
    for (const bucket of ['', '.', '..', 'a/b', 'a\0']) expect(() => platformRoot('/data', bucket)).toThrow(/one folder/);
  });
});
