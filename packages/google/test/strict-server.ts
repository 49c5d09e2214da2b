import { generateKeyPairSync, sign } from 'node:crypto';
import type { GcsAccount, StrictGcsServer } from '@stowage/test-servers';
import { serviceAccount } from '../src/sign-in/service-account.ts';
import type { ServiceAccountKey } from '../src/sign-in/service-account.ts';
import type { SignIn } from '../src/sign-in/sign-in.ts';

/** Signed in as one of the server's accounts, at the server's own token endpoint. */
export function signedIn(server: StrictGcsServer, account: GcsAccount): SignIn {
  return serviceAccount(keyOf(account), { tokenEndpoint: `${server.endpoint}/token` });
}

export function keyOf({ credentials }: GcsAccount): ServiceAccountKey {
  return JSON.parse(credentials) as ServiceAccountKey;
}

/** The owner's name with a key that the server has never seen. */
export function wrongKey(server: StrictGcsServer): SignIn {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return serviceAccount({ ...keyOf(server.owner), private_key: privateKey }, { tokenEndpoint: `${server.endpoint}/token` });
}

/** A sign-in for a server that asks for none: a token that nobody issued, and a key that nobody knows. */
export function unchecked(): SignIn {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const email = 'nobody@stowage-test.iam.gserviceaccount.com';
  return {
    name: 'an unchecked sign-in',
    identity: 'unchecked',
    held: () => 'unchecked',
    token: async () => 'unchecked',
    forget: () => undefined,
    signer: async () => ({ email, sign: (text) => sign('sha256', Buffer.from(text), privateKey) }),
    secrets: () => [],
    authClient: async () => undefined,
  };
}

/** Makes a bucket by the JSON API, as an administrator would. */
export async function makeBucket(endpoint: string, name: string, versioned: boolean = false): Promise<void> {
  const body = JSON.stringify({ name, ...(versioned ? { versioning: { enabled: true } } : {}) });
  const response = await fetch(`${endpoint}/storage/v1/b?project=stowage-test`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!response.ok) throw new Error(`the bucket ${name} could not be made: status ${response.status}`);
  await response.arrayBuffer();
}
