/** What a request is signed with. Plain data: never print it. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Goes along with temporary keys. */
  readonly sessionToken?: string;
  /** From then on the service refuses them. Absent: they do not expire by themselves. */
  readonly expiration?: Date;
}

export interface SignInCall {
  /** Ends the wait; the call then rejects with the signal's own reason. */
  readonly signal?: AbortSignal;
}

/**
 * One way to sign in. It gives credentials of that way or fails; it never tries another way: a typing error must not become
 * anonymous access, nor the machine's own role.
 *
 * Fails within 10 seconds with a `StorageError`: `Config` (the settings cannot work), `Unauthenticated` (who asks is not known,
 * or no longer), `AccessDenied` (known, but may not), `Unavailable`, `RateLimited` or `Timeout` (asking again may help).
 */
export type CredentialSource = (call?: SignInCall) => Promise<Credentials>;
