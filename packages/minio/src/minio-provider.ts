import { type BucketDriver, type ConfigContext, type Provider } from '@stowage/core';
import { entryReader, type Fields } from '@stowage/wire';
import { createBucket } from './create-bucket.ts';
import { credentialSourceFrom } from './credentials/credential-source-from.ts';
import { diagnose } from './diagnose.ts';
import { minioDriver } from './minio-driver.ts';
import { type MinioOptions, minioSettings } from './minio-options.ts';

const { fault, flag, oneOf, text, withPort } = entryReader('minio');

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
  const fields = entry as Fields;
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
function endpointOf(fields: Fields): string {
  const endpoint = text(fields, 'endpoint') ?? (fields['trust_anchor_arn'] === undefined ? undefined : 's3.amazonaws.com');
  if (endpoint === undefined) throw fault('endpoint', 'a host such as s3.amazonaws.com or https://minio.local:9000');
  return withPort(fields, endpoint);
}
