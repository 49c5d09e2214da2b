import { StorageError } from '@stowage/core';
import { type AnswerHeaders, headerText } from './answer-headers.ts';
import type { GuardPolicy } from './guard-policy.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What may be told to another origin than the one that it was meant for: nothing that tells who asks. */
const TOLD_TO_ALL: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'user-agent',
]);

/** Where an answer sends the request on; undefined where it does not. */
export function redirectTarget(status: number, headers: AnswerHeaders): string | undefined {
  return REDIRECTS.has(status) ? headerText(headers, 'location') : undefined;
}

/** The next URL, judged as the first one was. Throws where it may not be asked. */
export function nextHop(policy: GuardPolicy, location: string, from: URL, shown: string): URL {
  const target = URL.parse(location, from.href);
  if (target === null) throw new StorageError('Unavailable', `${shown} redirects to what is no URL`, { provider: 'http', retryable: false });
  let url: URL;
  try {
    url = policy.check(target.href);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new StorageError(error.code, `${shown} redirects to a URL that is refused: ${error.message}`, { provider: 'http', retryable: false });
  }
  if (from.protocol === 'https:' && url.protocol === 'http:')
    throw new StorageError('AccessDenied', `${shown} redirects from https to plain http (${url.host}), which is refused`, {
      provider: 'http',
      retryable: false,
    });
  return url;
}

/** The headers for the next hop: across origins, credentials, cookies and everything else that is not harmless stay behind. */
export function headersForHop(headers: Readonly<Record<string, string>>, from: URL, to: URL): Readonly<Record<string, string>> {
  return from.origin === to.origin ? headers : Object.fromEntries(Object.entries(headers).filter(([name]) => TOLD_TO_ALL.has(name)));
}
