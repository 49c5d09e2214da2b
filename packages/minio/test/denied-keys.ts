import { createHash } from 'node:crypto';
import type { Credentials } from '../src/credentials/credentials.ts';
import { RequestSigner } from '../src/wire/sigv4.ts';
import type { S3Server } from '@stowage/test-servers';

/** Keys of MinIO's root with a policy that takes nearly everything away: its STS gives them without an account being made. */
export async function restrictedKeys(server: S3Server, policy: unknown): Promise<Credentials> {
  const body = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', DurationSeconds: '3600', Policy: JSON.stringify(policy) }).toString();
  const { host } = new URL(server.endpoint);
  const payloadHash = createHash('sha256').update(body).digest('hex');
  const signer = new RequestSigner(server.region, 'sts');
  const { headers } = signer.sign(
    { method: 'POST', host, path: '/', query: {}, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payloadHash },
    server,
  );
  const response = await fetch(`${server.endpoint}/`, { method: 'POST', headers, body });
  const text = await response.text();
  const field = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? '';
  if (!response.ok) throw new Error(`AssumeRole on the test server failed with status ${response.status}: ${text}`);
  return {
    accessKeyId: field('AccessKeyId'),
    secretAccessKey: field('SecretAccessKey'),
    sessionToken: field('SessionToken'),
    expiration: new Date(field('Expiration')),
  };
}

export const NOTHING_ALLOWED = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }] } as const;
