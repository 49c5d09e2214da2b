import type { Bucket, Capabilities, ObjectHeaders } from '@stowage/core';

/** Called with what the destination cannot hold: its kind, which is told once, and a line for people. */
export type TellDropped = (kind: string, text: string) => void;

/** What stores tell of content whose type nobody has named: to carry it would only cost a disk a file beside each file. */
const NO_TYPE: ReadonlySet<string> = new Set(['application/octet-stream', 'binary/octet-stream']);

/** The headers that a copy gets. A storage class is a name of the source's own, with another price elsewhere: it stays behind. */
export function carriedHeaders(headers: ObjectHeaders, { capabilities, provider }: Bucket, onDropped: TellDropped): ObjectHeaders {
  const { storageClass, metadata, tags, contentType, ...carried } = headers;
  if (storageClass !== undefined)
    onDropped(
      `storage class ${storageClass}`,
      `storage classes (such as ${JSON.stringify(storageClass)}) are not carried: copies get the destination's default`,
    );
  const keepMetadata = metadata !== undefined && capabilities.metadata !== false;
  const keepTags = tags !== undefined && capabilities.tags !== false;
  if (metadata !== undefined && !keepMetadata && Object.keys(metadata).length > 0)
    onDropped('metadata', `the destination (${provider}) keeps no metadata: copies go without it`);
  if (tags !== undefined && !keepTags && Object.keys(tags).length > 0) onDropped('tags', `the destination (${provider}) keeps no tags: copies go without them`);
  return {
    ...carried,
    ...(contentType === undefined || NO_TYPE.has(contentType) ? {} : { contentType }),
    ...(keepMetadata ? { metadata: fittingMetadata(metadata, capabilities.metadataLimits, provider, onDropped) } : {}),
    ...(keepTags ? { tags } : {}),
  };
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** One name that does not fit is no reason to leave the object behind. */
function fittingMetadata(
  metadata: Readonly<Record<string, string>>,
  limits: Capabilities['metadataLimits'],
  provider: string,
  onDropped: TellDropped,
): Readonly<Record<string, string>> {
  if (limits === undefined) return metadata;
  const kept: [string, string][] = [];
  for (const [name, value] of Object.entries(metadata)) {
    const kind = misfit(name, value, limits);
    if (kind === undefined) kept.push([name, value]);
    else
      onDropped(
        `metadata: ${kind}`,
        `metadata with ${MISFITS[kind]} (such as ${JSON.stringify(name.slice(0, 80))}) is not carried: the destination (${provider}) cannot keep it`,
      );
  }
  return Object.fromEntries(kept);
}

const MISFITS = {
  name: 'other names than of letters, digits and "_"',
  token: 'names that no header can have',
  empty: 'empty values',
  value: 'values beyond printable ASCII, or with spaces at their ends,',
} as const;

function misfit(name: string, value: string, { names, emptyValues }: NonNullable<Capabilities['metadataLimits']>): keyof typeof MISFITS | undefined {
  if (names === 'identifier' && !IDENTIFIER.test(name)) return 'name';
  if (!TOKEN.test(name)) return 'token';
  if (value === '') return emptyValues ? undefined : 'empty';
  return HEADER_TEXT.test(value) ? undefined : 'value';
}
