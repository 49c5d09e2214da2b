/**
 * Whether a new bucket is open to people who do not sign in. `private`: the store says that it is not. `public`: the store opens it, by a
 * rule of its own. `unknown`: these credentials could not find out, or the store does not tell.
 */
export type BucketExposure = 'private' | 'public' | 'unknown';

/** What came of asking for a bucket. */
export type BucketCreation =
  /** It was there, within reach of these credentials, and nothing of it was changed. */
  | { readonly outcome: 'existed' }
  | {
      readonly outcome: 'created';
      readonly exposure: BucketExposure;
      /** What stands behind an exposure that is not `private`, and what to do: one line each, without a secret. */
      readonly notes: readonly string[];
    };
