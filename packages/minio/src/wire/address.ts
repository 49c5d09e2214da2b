import { encodedKey } from '@stowage/wire';
import { isAwsHost, awsDomain } from '../credentials/aws-domain.ts';

/** Where a bucket is spoken to. */
export interface BucketAddress {
  /** `https://bucket.s3.eu-central-1.amazonaws.com`, without a slash behind it. */
  readonly origin: string;
  /** As in the `Host` header and in signatures. */
  readonly host: string;
  /** What stands before a key in the path: `/` or `/bucket/`. */
  readonly base: string;
}

/** Names that may be a label of a host's name, and that a wildcard certificate covers (no dot). */
const HOST_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/**
 * On AWS the bucket stands in the host's name, as its endpoints want it, but for names that no host can have; elsewhere in the path,
 * which every server understands. `pathStyle` decides where it is given.
 */
export function bucketAddress(endpoint: URL, bucket: string, region: string, pathStyle: boolean | undefined): BucketAddress {
  const host = regionalHost(endpoint, region);
  const inPath = pathStyle ?? !(isAwsHost(endpoint.hostname) && HOST_LABEL.test(bucket));
  const shown = inPath ? host : `${bucket}.${host}`;
  return { origin: `${endpoint.protocol}//${shown}`, host: shown, base: inPath ? `/${encodedKey(bucket)}/` : '/' };
}

/** `s3.amazonaws.com` answers for every region, by redirects at times; the region's own host does not need them. */
function regionalHost(endpoint: URL, region: string): string {
  return endpoint.hostname === 's3.amazonaws.com' && region !== 'us-east-1' ? `s3.${region}.${awsDomain(region)}` : endpoint.host;
}

/** The region that stands in a host's name of AWS: `s3.eu-west-1.amazonaws.com`, `s3-eu-west-1…`, `s3.dualstack.eu-west-1…`. */
export function regionInHost(hostname: string): string | undefined {
  if (!isAwsHost(hostname)) return undefined;
  return /(?:^|\.)s3(?:-fips)?[.-](?:dualstack\.)?([a-z]{2,4}(?:-[a-z]+)+-\d)\.amazonaws\./.exec(hostname)?.[1];
}

/** Whether one host stands for all regions, so that a bucket's own must be asked for. */
export function isGlobalHost(hostname: string): boolean {
  return hostname === 's3.amazonaws.com';
}
