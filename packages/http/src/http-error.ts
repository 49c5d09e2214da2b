import { type ErrorCode, shownKey, StorageError } from '@stowage/core';
import { type AnswerHeaders, headerText } from './guarded-fetch/index.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
}

/** What statuses mean for a reader: https://www.rfc-editor.org/rfc/rfc9110#section-15 */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  304: { code: 'NotModified', text: 'it has not changed' },
  400: { code: 'InvalidArgument', text: 'the server does not understand the request for it' },
  401: { code: 'Unauthenticated', text: 'the server wants to know who asks' },
  403: { code: 'AccessDenied', text: 'the server does not give it to us; where the link is signed, it may have expired' },
  404: { code: 'NotFound', text: 'there is nothing at this address' },
  407: { code: 'Unauthenticated', text: 'a proxy wants to know who asks' },
  408: { code: 'Timeout', text: 'the server waited too long for the request' },
  410: { code: 'NotFound', text: 'it was there and is gone for good' },
  412: { code: 'PreconditionFailed', text: 'it is not the revision that was expected' },
  414: { code: 'InvalidKey', text: 'the address is too long for the server' },
  416: { code: 'InvalidRange', text: 'the range lies behind its end' },
  425: { code: 'Unavailable', text: 'the server does not answer yet' },
  429: { code: 'RateLimited', text: 'the server asks to slow down' },
  451: { code: 'AccessDenied', text: 'the server may not give it, for legal reasons' },
  501: { code: 'Unavailable', text: 'the server cannot do this', retryable: false },
  505: { code: 'Unavailable', text: 'the server does not speak this http', retryable: false },
};

/** An answer that is none of an object. */
export function statusError(status: number, headers: AnswerHeaders, key: string): StorageError {
  const { code, text, retryable } = MEANINGS[status] ?? other(status);
  const retryAfterMs = retryAfter(headers);
  return new StorageError(code, `${place(key)}: ${text} (status ${status})`, {
    provider: 'http',
    status,
    ...(retryable === undefined ? {} : { retryable }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function other(status: number): Meaning {
  if (status >= 500) return { code: 'Unavailable', text: 'the server failed' };
  if (status >= 400) return { code: 'Unknown', text: 'the server refuses it' };
  return { code: 'Unavailable', text: 'the answer holds no object', retryable: false };
}

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfter(headers: AnswerHeaders): number | undefined {
  const text = headerText(headers, 'retry-after')?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** An answer that contradicts the request or itself: asking again would bring it again. */
export function contradiction(key: string, what: string, status: number): StorageError {
  return new StorageError('Unavailable', `${place(key)}: ${what}`, { provider: 'http', status, retryable: false });
}

/** A link that works in a browser, and cannot be kept here as an object. */
export function unsupported(key: string, what: string): StorageError {
  return new StorageError('Unsupported', `${place(key)}: ${what}`, { provider: 'http' });
}

function place(key: string): string {
  return JSON.stringify(shownKey(key));
}
