import { type BucketDriver, type ConfigContext, type Provider, StorageError } from '@stowage/core';
import { createBucket } from './create-bucket.ts';
import { credentialSourceFrom } from './credentials/credential-source-from.ts';
import { diagnose } from './diagnose.ts';
import { minioDriver } from './minio-driver.ts';
import { type MinioOptions, minioSettings } from './minio-options.ts';

/** Everything that speaks S3: links begin with `s3://` or `minio://`. */
export const minio: Provider<MinioOptions> = {
  name: 'minio',
  schemes: ['s3', 'minio'],
  parseConfig,
  open: (options, bucket): BucketDriver => minioDriver(options, bucket),
  diagnose,
  createBucket,
};

const STORES = ['aws', 'minio', 'versitygw', 's3'] as const;
const TRANSPORTS = ['lean', 'sdk'] as const;

/**
 * An entry of `remote_links.yml`, or the main storage's settings. Reads `endpoint`, `port`, `region`, `path_style`, `store`, `ca`,
 * `transport`, `etag_is_md5` and `versioned`; how to sign in is read by {@link credentialSourceFrom}. All buckets of one entry share its source.
 */
function parseConfig(entry: unknown, context: ConfigContext = {}): MinioOptions {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw fault('', 'a mapping with endpoint and credentials');
  const fields = entry as Readonly<Record<string, unknown>>;
  const region = text(fields, 'region');
  const pathStyle = flag(fields, 'path_style');
  const store = oneOf(fields, 'store', STORES);
  const transport = oneOf(fields, 'transport', TRANSPORTS);
  const ca = text(fields, 'ca');
  const etagIsMd5 = flag(fields, 'etag_is_md5');
  const versioned = flag(fields, 'versioned');
  const options: MinioOptions = {
    endpoint: endpointOf(fields),
    credentials: credentialSourceFrom(fields, context),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { pathStyle }),
    ...(store === undefined ? {} : { store }),
    ...(transport === undefined ? {} : { transport }),
    ...(ca === undefined ? {} : { ca }),
    ...(etagIsMd5 === undefined ? {} : { etagIsMd5 }),
    ...(versioned === undefined ? {} : { versioned }),
  };
  // What cannot work is told here, where the entry is known, and not at the first bucket.
  minioSettings(options);
  return options;
}

/** IAM Roles Anywhere is of AWS alone: its entries may leave the endpoint out. */
function endpointOf(fields: Readonly<Record<string, unknown>>): string {
  const endpoint = text(fields, 'endpoint') ?? (fields['trust_anchor_arn'] === undefined ? undefined : 's3.amazonaws.com');
  if (endpoint === undefined) throw fault('endpoint', 'a host such as s3.amazonaws.com or https://minio.local:9000');
  const { port } = fields;
  if (port === undefined) return endpoint;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) throw fault('port', 'a port number');
  return /:\d+$/.test(endpoint) ? endpoint : `${endpoint}:${port}`;
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw fault(name, 'a text');
}

function flag(fields: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw fault(name, 'true or false');
}

function oneOf<T extends string>(fields: Readonly<Record<string, unknown>>, name: string, values: readonly T[]): T | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const known = values.find((each) => each === value);
  if (known === undefined) throw fault(name, `one of ${values.join(', ')}`);
  return known;
}

/** Names the field, never its value, which may be a secret at the wrong place. */
function fault(name: string, expected: string): StorageError {
  return new StorageError('Config', `${name === '' ? '' : `${name}: `}expected ${expected}`, { provider: 'minio' });
}
