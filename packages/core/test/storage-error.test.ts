import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isStorageError, StorageError } from '@stowage/core';

describe('StorageError', () => {
  it('says whether a repetition may help, unless the thrower knows better', () => {
    expect(new StorageError('Unavailable', '').retryable).toBe(true);
    expect(new StorageError('AccessDenied', '').retryable).toBe(false);
    expect(new StorageError('Unavailable', '', { retryable: false }).retryable).toBe(false);
  });

  it('keeps what is known when more is added, but counts attempts anew', () => {
    const error = new StorageError('NotFound', 'gone', { key: 'a', status: 404, cause: 'why' }).with({ key: 'b', provider: 'fs', attempts: 3 });
    expect(error).toMatchObject({ code: 'NotFound', message: 'gone', key: 'a', status: 404, provider: 'fs', attempts: 3, cause: 'why' });
  });

  it('can be told of another key', () => {
    expect(new StorageError('NotFound', 'gone', { key: 'a/b', status: 404, operation: 'get' }).withKey('b')).toMatchObject({
      key: 'b',
      status: 404,
      operation: 'get',
    });
  });

  it('is recognised by name, so that two copies of the package agree', () => {
    const foreign = Object.assign(new Error('x'), { name: 'StorageError', code: 'NotFound' });
    expect(isStorageError(foreign, 'NotFound')).toBe(true);
    expect(isStorageError(new Error('x'))).toBe(false);
    expect(isStorageError(new StorageError('Timeout', ''), 'NotFound')).toBe(false);
  });

  it('gives plain data for logs, without cause and stack', () => {
    const plain = JSON.stringify(new StorageError('Unknown', 'm', { cause: new Error('canary') }));
    expect(plain).not.toContain('canary');
    expect(JSON.parse(plain)).toMatchObject({ name: 'StorageError', code: 'Unknown', message: 'm', attempts: 1 });
    expect(inspect(new StorageError('Unknown', 'm'))).toContain('StorageError: m');
  });
});
