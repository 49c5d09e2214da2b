import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
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

  test('makes the folder of a bucket for its owner alone, and leaves one that is there', async () => {
    const path = `${testFolder()}/above/made`;
    const config = fs.parseConfig({ path, storage_id: 'made' });
    expect(await fs.createBucket?.(config, 'made', {})).toEqual({ outcome: 'created', exposure: 'private', notes: [] });
    expect((statSync(path).mode & 0o777).toString(8)).toBe('700');
    chmodSync(path, 0o755);
    expect(await fs.createBucket?.(config, 'made', {})).toEqual({ outcome: 'existed' });
    expect((statSync(path).mode & 0o777).toString(8)).toBe('755');
    await expect(fs.createBucket?.(config, 'other', {})).rejects.toMatchObject({ code: 'Config' });
    writeFileSync(`${path}/file`, 'x');
    await expect(fs.createBucket?.(fs.parseConfig({ path: `${path}/file` }), 'x', {})).rejects.toMatchObject({ code: 'AlreadyExists' });
    await expect(fs.createBucket?.(fs.parseConfig({ path: `${path}/file/below` }), 'x', {})).rejects.toMatchObject({ name: 'StorageError' });
    await expect(fs.createBucket?.(fs.parseConfig({ path: '/proc/1/x/y' }), 'x', {})).rejects.toMatchObject({ name: 'StorageError' });
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
