/**
 * Signs SAS tokens as their owner would, from Microsoft's documents alone: this shares no code with the driver.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/create-account-sas, …/create-service-sas
 */
import { createHmac } from 'node:crypto';
import type { AzuriteAccount } from '@stowage/test-servers';

export interface SasOptions {
  readonly letters: string;
  readonly start?: Date;
  readonly end?: Date;
  readonly protocol?: string;
}

const VERSION = '2022-11-02';
const HOUR_MS = 3_600_000;

/** Behind the "?". */
export function containerSas(
  account: AzuriteAccount,
  container: string,
  { letters, start, end = new Date(Date.now() + HOUR_MS), protocol = '' }: SasOptions,
): string {
  const times = [start === undefined ? '' : seconds(start), seconds(end)];
  // sp, st, se, resource, si, sip, spr, sv, sr, snapshot, ses, rscc, rscd, rsce, rscl, rsct
  const text = [letters, ...times, `/blob/${account.name}/${container}`, '', '', protocol, VERSION, 'c', '', '', '', '', '', '', ''].join('\n');
  return query({ sv: VERSION, st: times[0], se: times[1], sr: 'c', sp: letters, spr: protocol, sig: sign(account, text) });
}

export function accountSas(
  account: AzuriteAccount,
  { letters, start, end = new Date(Date.now() + HOUR_MS), protocol = '' }: SasOptions,
  types = 'sco',
  services = 'b',
): string {
  const times = [start === undefined ? '' : seconds(start), seconds(end)];
  // account, sp, ss, srt, st, se, sip, spr, sv, ses, and an end of line behind each
  const text = `${[account.name, letters, services, types, ...times, '', protocol, VERSION, ''].join('\n')}\n`;
  return query({ sv: VERSION, ss: services, srt: types, sp: letters, st: times[0], se: times[1], spr: protocol, sig: sign(account, text) });
}

function sign({ key }: AzuriteAccount, text: string): string {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64');
}

function seconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function query(fields: Record<string, string | undefined>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
    .join('&');
}
