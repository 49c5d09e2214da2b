import type { Call } from '@stowage/core';

/** Makes a V4 signature: RSA with SHA-256 over the text, by the account's own key. */
export interface UrlSigner {
  readonly email: string;
  sign(text: string): Buffer;
}

/** One way to sign in, which never becomes another. Made by `serviceAccount`, `serviceAccountFile`, `applicationDefault`, `metadataServer` or `anonymous`. */
export interface SignIn {
  /** For messages: `the service account a@b`, `nobody (anonymous)`. No secret. */
  readonly name: string;
  /** Equal where two are one identity: then one may name the other's objects as sources of copies. */
  readonly identity: string;
  /** The token that is held and good for a while: spares the hot path a promise. */
  held(): string | undefined;
  /** A token for the Authorization header, renewed before its end; undefined where requests go without. Throws a `StorageError` free of secrets. */
  token(call: Call): Promise<string | undefined>;
  /** The service refused this token before its end (it was revoked): the next call asks for a new one. */
  forget(token: string): void;
  /** What signs URLs on this machine; throws `Unsupported` where there is no key. */
  signer(call: Call): Promise<UrlSigner>;
  /** The project that the identity belongs to, where the sign-in names one. */
  project?(): Promise<string | undefined>;
  /** Texts that may appear in no message. */
  secrets(): readonly string[];
  /** The auth library's client for this way, for the SDK; undefined for nobody. */
  authClient(): Promise<unknown>;
}

/** All of Cloud Storage's data, and nothing beside: https://cloud.google.com/storage/docs/oauth-scopes */
export const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
