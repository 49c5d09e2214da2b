import { type ObjectHeaders, quoted, StorageError } from '@stowage/core';

/** Visible ASCII with spaces inside: what an HTTP header carries without a change. Reads come over headers. */
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Names become part of a header's name. */
const METADATA_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** Names and values together: https://cloud.google.com/storage/quotas#objects */
const MAX_METADATA_BYTES = 8192;

const TEXTS = ['contentType', 'cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage', 'storageClass'] as const;

/** The part of an object's resource that a writer sets: https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export interface WritableResource {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  storageClass?: string;
  metadata?: Readonly<Record<string, string>>;
}

/** Headers as the resource of a request. Throws `InvalidArgument` for text that would not come back as it is. */
export function resourceFrom(h: ObjectHeaders, key: string): WritableResource {
  const out: WritableResource = { contentType: 'application/octet-stream' };
  for (const name of TEXTS) {
    const value = h[name];
    if (value !== undefined) out[name] = checked(name, value, key);
  }
  const metadata = checkedMetadata(h, key);
  if (metadata !== undefined) out.metadata = metadata;
  return out;
}

function checkedMetadata({ metadata = {} }: ObjectHeaders, key: string): Record<string, string> | undefined {
  const out: Record<string, string> = {};
  let bytes = 0;
  for (const name in metadata) {
    const lower = name.toLowerCase();
    if (!METADATA_NAME.test(lower)) throw invalid(`metadata: ${quoted(name, 40)} is no name that a header can have`, key);
    out[lower] = checked(`metadata ${quoted(name)}`, metadata[name] as string, key);
    bytes += name.length + (metadata[name] as string).length;
  }
  if (bytes > MAX_METADATA_BYTES) throw invalid(`the metadata has ${bytes} bytes, at most ${MAX_METADATA_BYTES} are allowed`, key);
  return bytes === 0 ? undefined : out;
}

function checked(what: string, value: string, key: string): string {
  if (HEADER_TEXT.test(value)) return value;
  throw invalid(
    `${what}: expected printable ASCII that neither begins nor ends with a space, which is what every reader gets unchanged; got ${quoted(value, 40)}`,
    key,
  );
}

function invalid(message: string, key: string): StorageError {
  return new StorageError('InvalidArgument', message, { key });
}
