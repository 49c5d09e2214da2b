/** An S3 server that runs for a test. Disposing stops it and removes its data. */
export interface S3Server extends AsyncDisposable {
  readonly name: string;
  /** `http://127.0.0.1:49152` */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** PEM of the authority that a client must trust; undefined where the server speaks plain http. */
  readonly ca: string | undefined;
  /** Number of the server's process, for tests that look at it. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** No secrets: the servers listen on the loopback for the length of a test. */
export const ROOT: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: 'stowage-test-root',
  secretAccessKey: 'stowage-test-secret-9f2d',
};
