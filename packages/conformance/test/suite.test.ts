import { AssertionError } from 'node:assert/strict';
import { compareKeys, delegate, keyFault, memoryDriver } from '@stowage/core';
import { conformanceCases, expectedEntries, type Harness, ODD_KEYS, REFUSED_KEYS, runCase, runConformance } from '@stowage/conformance';
import { describe, expect, test } from 'vitest';

function memory(): Harness {
  return { capabilities: memoryDriver().capabilities, makeBucket: () => memoryDriver() };
}

function caseNamed(name: string): ReturnType<typeof conformanceCases>[number] {
  const found = conformanceCases().find((each) => each.name === name);
  if (found === undefined) throw new Error(`no case is named ${JSON.stringify(name)}`);
  return found;
}

describe('cases', () => {
  test('have names of their own', () => {
    const names = conformanceCases().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^\S.*\S$/);
  });

  test('say in words why they cannot run', () => {
    const bare: Harness = { ...memory(), capabilities: { ...memoryDriver().capabilities, readOnly: true } };
    for (const each of conformanceCases()) {
      const answer = each.needs(bare.capabilities, bare);
      if (answer !== true) expect(answer, each.name).toMatch(/^\S.{5,}/);
    }
    expect(caseNamed('reads back the bytes that were written').needs(bare.capabilities, bare)).toBe('the bucket is read-only, and the harness has no "seed"');
  });
});

describe('tables of keys', () => {
  test('have names of their own, and no key twice', () => {
    for (const table of [ODD_KEYS, REFUSED_KEYS]) {
      expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
      expect(new Set(table.map(({ key }) => key)).size).toBe(table.length);
    }
  });

  test('hold keys that are some, and keys that are none', () => {
    for (const { name, key, lookalikes } of ODD_KEYS)
      for (const each of [key, ...lookalikes]) expect(keyFault(each), `${name}: ${JSON.stringify(each)}`).toBeUndefined();
    for (const { name, key } of REFUSED_KEYS) expect(keyFault(key), name).toBeTypeOf('string');
  });

  test('name the lengths that they have', () => {
    const wrong = ODD_KEYS.filter(({ name, key }) => /^1,\d+ bytes/.test(name) && Buffer.byteLength(key) !== Number(name.slice(0, 5).replace(',', '')));
    expect(wrong).toEqual([]);
  });
});

describe('the listing model', () => {
  const keys = ['b/2', 'a', 'b/1', 'b-', 'c/d/e', '\u{1f600}', '\u{e000}'];

  test('gives keys in byte order, and common prefixes once', () => {
    expect(expectedEntries(keys, {})).toEqual([...keys].sort(compareKeys));
    expect(expectedEntries(keys, { delimiter: '/' })).toEqual(['a', 'b-', '→b/', '→c/', '\u{e000}', '\u{1f600}']);
    expect(expectedEntries(keys, { prefix: 'c/', delimiter: '/' })).toEqual(['→c/d/']);
  });

  test('takes both bounds as exclusive', () => {
    expect(expectedEntries(keys, { startAfter: 'a', until: 'c/d/e' })).toEqual(['b-', 'b/1', 'b/2']);
    expect(expectedEntries(keys, { startAfter: 'b/', delimiter: '/', until: 'c/d/f' })).toEqual(['→c/']);
  });
});

describe('running', () => {
  test('a StorageError where none is due fails the case as an assertion, with the error as its cause', async () => {
    const broken: Harness = { ...memory(), makeBucket: () => delegate(memoryDriver(), { put: () => Promise.reject(new RangeError('disk on fire')) }) };
    const error: unknown = await runCase(caseNamed('reads back the bytes that were written'), broken).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AssertionError);
    expect(error).toMatchObject({ message: expect.stringContaining('disk on fire') as string, cause: { code: 'Unknown', operation: 'put' } });
  });

  test('a harness that fails is no assertion', async () => {
    const broken: Harness = {
      ...memory(),
      makeBucket(): never {
        throw new RangeError('no server');
      },
    };
    await expect(runCase(caseNamed('reads back the bytes that were written'), broken)).rejects.toThrow(new RangeError('no server'));
  });

  test('everything that was opened is disposed, also when the case fails', async () => {
    const log: string[] = [];
    const harness: Harness = {
      ...memory(),
      makeBucket: () => delegate(memoryDriver(), { close: async () => void log.push('close'), put: () => Promise.reject(new Error('broken')) }),
      dispose: () => void log.push('dispose'),
    };
    await expect(runCase(caseNamed('reads back the bytes that were written'), harness)).rejects.toBeInstanceOf(AssertionError);
    expect(log).toEqual(['close', 'dispose']);
  });

  test('a runner gets each case once: as a test, or as a skip with its reason', () => {
    const told: string[] = [];
    const groups: string[] = [];
    const runner = {
      describe(name: string, body: () => void): void {
        groups.push(name);
        body();
      },
      test: (name: string): unknown => told.push(name),
      skip: (name: string, reason: string): unknown => told.push(name) + reason.length,
    };
    runConformance(runner, memory());
    expect(told).toEqual(conformanceCases().map(({ name }) => name));
    expect(groups).toEqual(['read', 'write', 'conditions', 'list', 'keys', 'multipart', 'copy', 'delete', 'presign', 'errors', 'abort', 'creation', 'memory']);
  });
});
