/** Domains of the AWS partitions by the beginning of their regions' names. Source: the partitions file that the AWS SDKs share. */
const PARTITIONS: readonly (readonly [string, string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['us-iso-', 'c2s.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-', 'amazonaws.eu'],
];

/** The domain under which a region's services live: `amazonaws.com` for most. */
export function awsDomain(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com';
}

/** Whether a host belongs to AWS itself. */
export function isAwsHost(host: string): boolean {
  const name = host.toLowerCase();
  return ['amazonaws.com', ...PARTITIONS.map(([, domain]) => domain)].some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/** Whether the text is spelled like a region. It becomes part of a host's name, so nothing else may pass. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(text);
}
