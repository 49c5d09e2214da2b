/** A request before it is signed. Header names are in lower case; `host` and `content-length` are the connection's. */
export interface UnsignedRequest {
  readonly method: string;
  /** Encoded, with the account in it where the endpoint has one in its path. */
  readonly path: string;
  /** Not encoded. A signature may be added. */
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  /** Bytes of the content. */
  readonly length: number;
}

/** What a request needs to be allowed, as the letters of a SAS have it. */
export type Right = 'read' | 'list' | 'create' | 'write' | 'delete' | 'delete-version' | 'tags' | 'create-container' | 'none';

/** One way to sign in. Nothing falls back to anything. */
export interface SignIn {
  readonly kind: 'account-key' | 'sas' | 'managed-identity' | 'anonymous';
  /** The storage account, where it is known. */
  readonly account: string | undefined;
  /** Texts that no message may hold. */
  readonly secrets: readonly string[];
  /** Refuses, without a request, what these credentials are known not to allow. Throws `AccessDenied` or `Unauthenticated`. */
  check(right: Right): void;
  /** Adds what proves who asks. */
  sign(request: UnsignedRequest, signal: AbortSignal | undefined): void | Promise<void>;
}
