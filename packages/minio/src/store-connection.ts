import { StorageError } from '@stowage/core';
import { type AnswerHeaders, encodedKey, headerOf, HttpPool, networkError } from '@stowage/wire';
import type { Credentials } from './credentials/credentials.ts';
import type { FaultContext } from './minio-error.ts';
import type { MinioSettings } from './minio-options.ts';
import { type BucketAddress, bucketAddress, isGlobalHost } from './wire/address.ts';
import { RequestSigner } from './wire/sigv4.ts';
import { type ServerKind, serverKind } from './server-kind.ts';

/** Where and how a bucket is spoken to, once its region is known. */
export interface Place {
  readonly region: string;
  readonly address: BucketAddress;
  readonly signer: RequestSigner;
  readonly pool: HttpPool;
}

/** What both clients of one bucket share: settings, credentials, region, connections. */
export class StoreConnection {
  readonly settings: MinioSettings;
  readonly bucket: string;
  #place: Place | undefined;
  #finding: Promise<Place> | undefined;
  #secrets: readonly string[] = [];
  readonly #pools: HttpPool[] = [];
  #server: ServerKind | undefined;

  constructor(settings: MinioSettings, bucket: string) {
    this.settings = settings;
    this.bucket = bucket;
    const { region, endpoint } = settings;
    if (region !== undefined || !isGlobalHost(endpoint.hostname)) this.#place = this.#settle(region ?? 'us-east-1');
  }

  /** Known at once but for buckets of AWS without a configured region: these are asked where they lie, once for all callers. */
  place(signal: AbortSignal | undefined): Place | Promise<Place> {
    if (this.#place !== undefined) return this.#place;
    signal?.throwIfAborted();
    this.#finding ??= this.#find().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async credentials(signal: AbortSignal | undefined): Promise<Credentials> {
    const credentials = await this.settings.credentials(signal === undefined ? {} : { signal });
    this.#secrets = [credentials.secretAccessKey, credentials.sessionToken ?? '', credentials.accessKeyId];
    return credentials;
  }

  /** Who answers here, by the answers that came; undefined before the first. */
  get server(): ServerKind | undefined {
    return this.#server;
  }

  /** Takes note of who answers. */
  answeredBy(headers: AnswerHeaders): void {
    if (this.#server === undefined || this.#server === 'other') this.#server = serverKind(headers);
  }

  context(operation: string, key?: string, more: Pick<FaultContext, 'condition' | 'ownChecksum'> = {}): FaultContext {
    return {
      operation,
      bucket: this.bucket,
      key,
      endpoint: this.settings.endpoint.origin,
      region: this.#place?.region ?? 'unknown',
      secrets: this.#secrets,
      ...more,
    };
  }

  /** Whether requests of both are signed by one identity at one endpoint, so that one can name the other's objects as sources. */
  sharesAccount(other: StoreConnection): boolean {
    return other.settings.endpoint.origin === this.settings.endpoint.origin && other.settings.identity === this.settings.identity;
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }

  #settle(region: string): Place {
    const { endpoint, pathStyle } = this.settings;
    const address = bucketAddress(endpoint, this.bucket, region, pathStyle);
    return { region, address, signer: new RequestSigner(region), pool: this.#pool(address.origin) };
  }

  #pool(origin: string): HttpPool {
    const { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ca } = this.settings;
    const pool = new HttpPool(origin, { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ...(ca === undefined ? {} : { ca }) });
    this.#pools.push(pool);
    return pool;
  }

  /** AWS tells a bucket's region to everyone, with a refusal too: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
  async #find(): Promise<Place> {
    const context = this.context('findRegion', undefined);
    const pool = this.#pool(this.settings.endpoint.origin);
    try {
      const { status, headers, body } = await pool.send({ method: 'HEAD', path: `/${encodedKey(this.bucket)}`, headers: {} });
      body.close();
      const region = headerOf(headers, 'x-amz-bucket-region');
      if (region === undefined) {
        if (status === 404)
          throw new StorageError('BucketNotFound', `there is no bucket ${JSON.stringify(this.bucket)} on AWS; check its name`, {
            provider: 'minio',
            bucket: this.bucket,
            status,
          });
        throw new StorageError(
          status >= 500 ? 'Unavailable' : 'Config',
          `${context.endpoint} did not tell the bucket's region (status ${status}); set region`,
          { provider: 'minio', bucket: this.bucket, status },
        );
      }
      this.#place = this.#settle(region);
      return this.#place;
    } catch (error) {
      throw error instanceof StorageError ? error : networkError('minio', error, context);
    }
  }
}
