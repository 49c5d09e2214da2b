import { describe, expect, it } from 'vitest';
import { clockDifference, codeOfStatus, networkError, refusal, retryAfterMs } from '../src/index.ts';

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
    ['UND_ERR_HEADERS_TIMEOUT', 'Timeout', 'did not answer in time'],
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
