import type * as S3 from '@aws-sdk/client-s3';
import { type Call, StorageError } from '@stowage/core';
import { networkError } from '@stowage/wire';
import { isAnonymous } from '../credentials/anonymous.ts';
import { type FaultContext, notS3, type ServiceFault, serviceError } from '../minio-error.ts';
import type { StoreConnection } from '../store-connection.ts';

/** The module with all commands. Loaded at the first call that needs it: it takes longer to load than a small upload. */
export type Sdk = typeof S3;

/** The SDK's client over the same settings, credentials and region as the requests of our own, with its own retries off. */
export class SdkClient {
  readonly #store: StoreConnection;
  #loaded: Promise<{ readonly sdk: Sdk; readonly client: S3.S3Client }> | undefined;

  constructor(store: StoreConnection) {
    this.#store = store;
  }

  /** Makes one attempt; `run` is given the client and the commands. Failures come as `StorageError`, an abort as the signal's reason. */
  async call<T>(context: FaultContext, o: Call, run: (client: S3.S3Client, sdk: Sdk, send: { abortSignal?: AbortSignal }) => Promise<T>): Promise<T> {
    o.signal?.throwIfAborted();
    const { sdk, client } = await this.load();
    try {
      return await run(client, sdk, o.signal === undefined ? {} : { abortSignal: o.signal });
    } catch (error) {
      if (o.signal?.aborted === true) throw o.signal.reason;
      throw sdkError(error, { ...context, secrets: this.#store.context('').secrets });
    }
  }

  load(): Promise<{ readonly sdk: Sdk; readonly client: S3.S3Client }> {
    this.#loaded ??= this.#open().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  async close(): Promise<void> {
    if (this.#loaded !== undefined) (await this.#loaded).client.destroy();
  }

  async #open(): Promise<{ readonly sdk: Sdk; readonly client: S3.S3Client }> {
    const { settings, bucket } = this.#store;
    const [sdk, { NodeHttpHandler }, { QuietHttpAgent, QuietHttpsAgent }, place, credentials] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@smithy/node-http-handler'),
      import('../wire/quiet-agent.ts'),
      this.#store.place(undefined),
      this.#store.credentials(undefined),
    ]);
    const agent = { keepAlive: true, maxSockets: settings.connections };
    const inPath = place.address.base !== '/';
    const config: S3.S3ClientConfig = {
      region: place.region,
      endpoint: inPath ? place.address.origin : place.address.origin.replace(`://${bucket}.`, '://'),
      forcePathStyle: inPath,
      // Asked at each request: the source itself keeps them and renews them in time.
      credentials: async () => ({ ...(await this.#store.credentials(undefined)), expiration: new Date(0) }),
      maxAttempts: 1,
      followRegionRedirects: false,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // By default a put of 2 MiB or more asks first whether it may, on a new connection each.
      expectContinueHeader: false,
      // Nothing of the machine's own configuration is read: what is used is what was given.
      defaultsMode: 'standard',
      useArnRegion: false,
      disableMultiregionAccessPoints: true,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: settings.connectTimeoutMs,
        socketTimeout: settings.silenceMs,
        requestTimeout: settings.answerTimeoutMs,
        throwOnRequestTimeout: true,
        httpAgent: new QuietHttpAgent(agent),
        httpsAgent: new QuietHttpsAgent({ ...agent, ...(settings.ca === undefined ? {} : { ca: settings.ca }) }),
      }),
      ...(isAnonymous(credentials) ? { signer: { sign: async (request) => request } } : {}),
    };
    const client = new sdk.S3Client(config);
    client.middlewareStack.add(
      (next) => async (request) => {
        const answered = await next(request);
        const { response } = answered as { readonly response?: { readonly headers?: Readonly<Record<string, string>> } };
        if (response?.headers !== undefined) this.#store.answeredBy(response.headers);
        return answered;
      },
      { step: 'deserialize', priority: 'low', name: 'answeredBy' },
    );
    client.middlewareStack.add((next) => async (args) => next({ ...args, request: withEmptyMetadata(args.request, args.input) }), {
      step: 'build',
      name: 'emptyMetadata',
    });
    return { sdk, client };
  }
}

/** The SDK leaves headers without a text out, and metadata may be empty. */
function withEmptyMetadata(request: unknown, input: object): unknown {
  const metadata = 'Metadata' in input ? ((input.Metadata ?? {}) as Readonly<Record<string, string>>) : {};
  const empty = Object.keys(metadata).filter((name) => metadata[name] === '');
  if (empty.length > 0)
    Object.assign((request as { readonly headers: Record<string, string> }).headers, Object.fromEntries(empty.map((name) => [`x-amz-meta-${name}`, ''])));
  return request;
}

/** What of an SDK's error is safe to look at: never the error itself, on which request and headers hang, hidden from `inspect` only by default. */
interface SdkErrorParts {
  readonly name?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly Region?: unknown;
  /** The answer's own text, where the SDK could not read it. */
  readonly $responseBodyText?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> };
}

function sdkError(error: unknown, context: FaultContext): StorageError {
  if (error instanceof StorageError) return error;
  const { name, Code, message, Region, $metadata, $response, $responseBodyText } = (error ?? {}) as SdkErrorParts;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined) return networkError('minio', error, context);
  const headers = $response?.headers ?? {};
  // A success that the SDK could not read.
  if (status < 300 && $metadata?.httpStatusCode === undefined)
    return notS3(context, { status, contentType: headers['content-type'], server: headers['server'] });
  if (status < 300 && typeof Code !== 'string')
    return new StorageError('Unavailable', `${context.endpoint} gave an answer that cannot be read; it was cut off, or something between changes answers`, {
      operation: context.operation,
      provider: 'minio',
      bucket: context.bucket,
      status,
      ...(context.key === undefined ? {} : { key: context.key }),
    });
  const unreadable = typeof $responseBodyText === 'string' && !$responseBodyText.trimStart().startsWith('<');
  const code = unreadable ? '' : typeof Code === 'string' ? Code : typeof name === 'string' ? name : '';
  const fault: ServiceFault = {
    status,
    // Names that the SDK makes up where an answer had no code.
    code: /^(?:Unknown|UnknownError|Error|S3ServiceException|\d+)$/.test(code) ? (headers['x-minio-error-code'] ?? '') : code,
    message: unreadable ? $responseBodyText.slice(0, 300) : typeof message === 'string' && message !== 'UnknownError' ? message : '',
    region: typeof Region === 'string' ? Region : headers['x-amz-bucket-region'],
    requestId: $metadata?.requestId?.split(',')[0],
    retryAfter: headers['retry-after'],
    date: headers['date'],
    server: headers['server'],
  };
  return serviceError(fault, context);
}
