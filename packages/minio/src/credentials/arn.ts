import { quoted } from '@stowage/core';
import { isRegion } from './aws-domain.ts';
import { configError } from './sign-in-error.ts';

/** An Amazon Resource Name in its parts. ARNs are no secrets. */
export interface Arn {
  readonly text: string;
  readonly partition: string;
  readonly service: string;
  /** Empty for IAM, which has none. */
  readonly region: string;
  readonly account: string;
  readonly resource: string;
}

const AWS_ARN = /^arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}):([\x21-\x7e]+)$/;
/** Servers of others have tenants, or nothing, in the account's place: Ceph's roles are `arn:aws:iam:::role/name`. */
const OTHER_ARN = /^arn:([a-z][a-z0-9-]*):([a-z0-9-]+):([a-z0-9-]*):([\w$-]*):([\x21-\x7e]+)$/;

/**
 * Reads an ARN of one kind. `owner` says whose service will be asked. `kind` is how its resource part begins: `role/`, `trust-anchor/`.
 * Throws code `Config`, naming the field and what was expected.
 */
export function parseArn(field: string, text: string, service: 'iam' | 'rolesanywhere', kind: string, owner: 'aws' | 'other' = 'aws'): Arn {
  const match = (owner === 'aws' ? AWS_ARN : OTHER_ARN).exec(text);
  const example = service === 'iam' ? `arn:aws:iam::111122223333:${kind}name` : `arn:aws:rolesanywhere:eu-central-1:111122223333:${kind}…`;
  if (match === null) throw configError(`${field}: expected an ARN such as ${example}, got ${quoted(text)}`);
  const [, partition = '', found = '', region = '', account = '', resource = ''] = match;
  if (found !== service || !resource.startsWith(kind) || resource.length === kind.length) {
    throw configError(`${field}: expected the ARN of a ${kind.slice(0, -1)} such as ${example}, got ${quoted(text)}`);
  }
  if (service === 'rolesanywhere' && !isRegion(region)) throw configError(`${field}: expected an ARN with a region such as ${example}, got ${quoted(text)}`);
  return { text, partition, service, region, account, resource };
}

/** Whether a role was given as an ARN and not as a bare name. */
export function isArn(text: string): boolean {
  return text.startsWith('arn:');
}
