/**
 * Checks an Authorization header as the service does, from the raw request; it shares no code with the driver.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AzuriteAccount } from '@stowage/test-servers';

/** What is wrong with the request's signature; undefined where it is right. */
export function signatureFault(
  incoming: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  account: AzuriteAccount,
  now: number = Date.now(),
): string | undefined {
  const headers = new Map<string, string>();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) headers.set((incoming.rawHeaders[i] ?? '').toLowerCase(), incoming.rawHeaders[i + 1] ?? '');
  const given = /^SharedKey ([a-z0-9]+):(.+)$/.exec(headers.get('authorization') ?? '');
  if (given === null) return 'no SharedKey authorization';
  if (given[1] !== account.name) return 'another account';
  const date = Date.parse(headers.get('x-ms-date') ?? headers.get('date') ?? '');
  if (!(Math.abs(now - date) < 15 * 60_000)) return 'a date more than 15 minutes off';
  if (!headers.has('x-ms-version')) return 'no version';
  const of = (name: string): string => headers.get(name) ?? '';
  const length = of('content-length') === '0' ? '' : of('content-length');
  const lines = [
    incoming.method ?? '',
    of('content-encoding'),
    of('content-language'),
    length,
    of('content-md5'),
    of('content-type'),
    headers.has('x-ms-date') ? '' : of('date'),
    of('if-modified-since'),
    of('if-match'),
    of('if-none-match'),
    of('if-unmodified-since'),
    of('range'),
  ];
  for (const name of [...headers.keys()].filter((each) => each.startsWith('x-ms-')).sort()) lines.push(`${name}:${of(name)}`);
  const [path = '', query = ''] = (incoming.url ?? '').split('?');
  let resource = `/${account.name}${path}`;
  const parameters = new Map<string, string[]>();
  for (const part of query.split('&').filter((each) => each !== '')) {
    const [name = '', value = ''] = part.split('=', 2).map((each) => decodeURIComponent(each));
    parameters.set(name.toLowerCase(), [...(parameters.get(name.toLowerCase()) ?? []), value]);
  }
  for (const name of [...parameters.keys()].sort()) resource += `\n${name}:${parameters.get(name)?.sort().join(',') ?? ''}`;
  lines.push(resource);
  const right = createHmac('sha256', Buffer.from(account.key, 'base64')).update(lines.join('\n'), 'utf8').digest();
  const sent = Buffer.from(given[2] ?? '', 'base64');
  return sent.byteLength === right.byteLength && timingSafeEqual(sent, right) ? undefined : 'a wrong signature';
}
