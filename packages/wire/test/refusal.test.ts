import { describe, expect, it } from 'vitest';
import { clockDifference, codeOfStatus, commonWords, doing, networkError, refusal, retryAfterMs, saidWords, UploadState } from '../src/index.ts';

const context = { operation: 'put', bucket: 'cars', key: 'a.jpg', endpoint: 'https://store.example' };

describe('a refusal', () => {
  it('tells where it was and what the store said', () => {
    const error = refusal('azure', 'RateLimited', 'slow down', { status: 503, retryAfter: '2', requestId: 'r1' }, context);
    expect(error).toMatchObject({
      code: 'RateLimited',
      message: 'slow down',
      operation: 'put',
      provider: 'azure',
      bucket: 'cars',
      key: 'a.jpg',
      status: 503,
      retryAfterMs: 2000,
      requestId: 'r1',
      retryable: true,
    });
  });

  it("has words that are the same for all stores, and the store's own behind them, without secrets", () => {
    const said = saidWords(['', 'SlowDown', 'key canary-5 asks too often'], ['canary-5']);
    expect(said).toMatch(/^ \(SlowDown: key \S+ asks too often\)$/);
    expect(said).not.toContain('canary');
    expect(saidWords(['', ''], [])).toBe('');
    expect(commonWords('RateLimited', '"a" in "b"', ' (x)', 503, context)).toBe('https://store.example asks to slow down (x)');
    expect(commonWords('AlreadyExists', '"a" in "b"', ' (x)', 412, context)).toBe('"a" in "b" exists already');
    expect(commonWords('Config', '"a" in "b"', '', 400, context)).toBeUndefined();
    expect([doing('copy'), doing('delete')]).toEqual(['copy to', 'delete']);
  });

  it('for another checksum can be cured by sending again, but not where the caller named it', () => {
    expect(refusal('azure', 'ChecksumMismatch', 'x', {}, context).retryable).toBe(true);
    expect(refusal('azure', 'ChecksumMismatch', 'x', {}, { ...context, ownChecksum: true }).retryable).toBe(false);
  });

  it.each([
    [404, 'NotFound'],
    [412, 'PreconditionFailed'],
    [307, 'Config'],
    [400, 'Unknown'],
    [503, 'Unavailable'],
    [507, 'OutOfSpace'],
  ])('by status %d is %s', (status, code) => {
    expect(codeOfStatus(status)).toBe(code);
  });
});

it.each([
  ['3', 3000],
  [' 3 ', 3000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %s', (text, ms) => {
  expect(retryAfterMs(text)).toBe(ms);
});

it('Retry-After may be a date to come', () => {
  const wait = retryAfterMs(new Date(Date.now() + 3_600_000).toUTCString()) ?? 0;
  expect(wait).toBeGreaterThan(3_500_000);
  expect(wait).toBeLessThanOrEqual(3_600_000);
});

it('clocks that differ are told with the way', () => {
  expect(clockDifference(new Date(Date.now() - 20 * 60_000).toISOString())).toMatch(/^this machine is 20 minutes ahead of the server/);
  expect(clockDifference(undefined)).toBe('the server refuses the time of the request');
});

describe('a request without an answer', () => {
  const failed = (code: string, name = 'Error'): Error =>
    Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('secret'), { code, name }) });

  it.each([
    ['ENOTFOUND', 'Unavailable', 'there is no host store.example'],
    ['ECONNREFUSED', 'Unavailable', 'nobody listens at https://store.example'],
    ['CERT_HAS_EXPIRED', 'Config', 'has expired'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'Config', 'give the authority'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'Config', 'does not speak TLS'],
    ['HPE_INVALID_CONSTANT', 'Config', 'does not speak http'],
    ['ETIMEDOUT', 'Timeout', 'did not answer in time'],
    ['ECONNRESET', 'Unavailable', 'broke (ECONNRESET)'],
  ])('for %s is %s, in words, and keeps nothing of the error', (code, expected, words) => {
    const error = networkError('google', failed(code), context);
    expect([error.code, error.message]).toEqual([expected, expect.stringContaining(words)]);
    expect(error.cause).toBeUndefined();
    expect(error.message).not.toContain('secret');
  });

  it('that was reset is no timeout, whatever a client calls it', () => {
    expect(networkError('minio', failed('ECONNRESET', 'TimeoutError'), context).code).toBe('Unavailable');
  });
});

it('an upload takes no part once it was completed or aborted, and one that was let go of is not aborted', () => {
  const state = new UploadState('a.jpg');
  state.assertOpen();
  expect(state.isOpen).toBe(true);
  state.detach();
  state.assertOpen();
  expect([state.isOpen, state.hasEnded]).toEqual([false, false]);
  state.completed();
  expect(() => state.assertOpen()).toThrow(expect.objectContaining({ code: 'NotFound', message: 'the upload of "a.jpg" was completed already' }));
});
