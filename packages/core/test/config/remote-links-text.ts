import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigProblem, parseRemoteLinks, type RemoteLinks, type RemoteLinksOptions } from '../../src/config/index.ts';

/** The file that users have. */
export const sample: string = readFileSync(join(import.meta.dirname, '../samples/remote_links.yml'), 'utf8');

export function parse(text: string, o: Partial<RemoteLinksOptions> = {}): RemoteLinks {
  return parseRemoteLinks(text, { env: {}, folder: '/etc/stowage', ...o });
}

/** Lines joined, for texts that show their columns. */
export const lines = (...text: string[]): string => text.join('\n');
export const messages = (problems: readonly ConfigProblem[]): string[] => problems.map(({ message }) => message);

/** An entry that loads. */
export const cars: string = lines(
  'cars:',
  '  provider: minio',
  '  endpoint: minio.local:9000',
  '  access_key: id',
  '  secret_key: made-up',
  '  buckets: [cars]',
);
