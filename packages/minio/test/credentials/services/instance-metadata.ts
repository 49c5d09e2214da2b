import type { Credentials } from '../../../src/credentials/credentials.ts';
import { CANARY } from './canaries.ts';
import type { Asked, Reply } from './loopback-service.ts';

export interface InstanceMetadata {
  readonly role?: string;
  /** Answers version 1 too, as old instances do: whoever asks without a token is caught. */
  readonly document?: object;
  readonly tokenStatus?: number;
}

/** Instance metadata as EC2 gives it; version 1 is answered as well, so that a client that falls back would succeed. */
export function instanceMetadata({ role, document, tokenStatus = 200 }: InstanceMetadata): (asked: Asked) => Reply {
  return ({ method, path, headers }) => {
    if (path === '/latest/api/token') {
      if (method !== 'PUT' || headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined) return { status: 400 };
      return tokenStatus === 200 ? { body: CANARY.metadataToken } : { status: tokenStatus, body: CANARY.metadataToken };
    }
    const token = headers['x-aws-ec2-metadata-token'];
    if (token !== undefined && token !== CANARY.metadataToken) return { status: 401 };
    if (path === '/latest/meta-data/iam/security-credentials/') return role === undefined ? { status: 404, body: '404' } : { body: `${role}\n` };
    if (path === `/latest/meta-data/iam/security-credentials/${role}`) return { body: JSON.stringify(document ?? roleDocument()) };
    return { status: 404 };
  };
}

export function roleDocument(more: object = {}): object {
  return {
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: CANARY.accessKeyId,
    SecretAccessKey: CANARY.secretAccessKey,
    Token: CANARY.sessionToken,
    Expiration: '2099-01-01T00:00:00Z',
    ...more,
  };
}

/** What a source must make of `roleDocument`. */
export const ROLE_CREDENTIALS: Credentials = {
  accessKeyId: CANARY.accessKeyId,
  secretAccessKey: CANARY.secretAccessKey,
  sessionToken: CANARY.sessionToken,
  expiration: new Date('2099-01-01T00:00:00Z'),
};
