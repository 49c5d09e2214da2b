import { type ObjectHeaders, quoted, StorageError } from '@stowage/core';
import { percentEncoded } from '@stowage/wire';

/** Visible ASCII with single or more spaces inside: what a header carries and a signature covers without a change. */
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** `x-amz-meta-` names and values together: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const MAX_METADATA_BYTES = 2048;
const MAX_TAGS = 10;

/** What is kept beside an object, as S3 names it in requests. Throws `InvalidArgument` for text that would not come back as it is. */
export function requestHeaders(h: ObjectHeaders, key: string): Record<string, string> {
  const out: Record<string, string> = { 'content-type': checked('contentType', h.contentType ?? 'application/octet-stream', key) };
  if (h.cacheControl !== undefined) out['cache-control'] = checked('cacheControl', h.cacheControl, key);
  if (h.contentDisposition !== undefined) out['content-disposition'] = checked('contentDisposition', h.contentDisposition, key);
  if (h.contentEncoding !== undefined) out['content-encoding'] = checked('contentEncoding', h.contentEncoding, key);
  if (h.contentLanguage !== undefined) out['content-language'] = checked('contentLanguage', h.contentLanguage, key);
  if (h.storageClass !== undefined) out['x-amz-storage-class'] = checked('storageClass', h.storageClass, key);
  const metadata = checkedMetadata(h, key);
  for (const name in metadata) out[`x-amz-meta-${name}`] = metadata[name] as string;
  const tagging = taggingHeader(h, key);
  if (tagging !== undefined) out['x-amz-tagging'] = tagging;
  return out;
}

/** The same for the SDK's commands. */
export function commandHeaders(
  h: ObjectHeaders,
  key: string,
): {
  ContentType: string;
  CacheControl?: string;
  ContentDisposition?: string;
  ContentEncoding?: string;
  ContentLanguage?: string;
  StorageClass?: 'STANDARD';
  Metadata?: Record<string, string>;
  Tagging?: string;
} {
  const r = requestHeaders(h, key);
  const metadata = checkedMetadata(h, key);
  return {
    ContentType: r['content-type'] as string,
    ...(h.cacheControl === undefined ? {} : { CacheControl: h.cacheControl }),
    ...(h.contentDisposition === undefined ? {} : { ContentDisposition: h.contentDisposition }),
    ...(h.contentEncoding === undefined ? {} : { ContentEncoding: h.contentEncoding }),
    ...(h.contentLanguage === undefined ? {} : { ContentLanguage: h.contentLanguage }),
    // The SDK's type lists the classes of AWS; other stores have names of their own.
    ...(h.storageClass === undefined ? {} : { StorageClass: h.storageClass as 'STANDARD' }),
    ...(Object.keys(metadata).length === 0 ? {} : { Metadata: metadata }),
    ...(r['x-amz-tagging'] === undefined ? {} : { Tagging: r['x-amz-tagging'] }),
  };
}

function checkedMetadata({ metadata = {} }: ObjectHeaders, key: string): Record<string, string> {
  const out: Record<string, string> = {};
  let bytes = 0;
  for (const name in metadata) {
    const value = metadata[name] as string;
    out[name.toLowerCase()] = value === '' ? '' : checked(`metadata ${quoted(name)}`, value, key);
    bytes += name.length + value.length;
  }
  if (bytes > MAX_METADATA_BYTES) throw invalid(`the metadata has ${bytes} bytes, at most ${MAX_METADATA_BYTES} are allowed`, key);
  return out;
}

function taggingHeader({ tags = {} }: ObjectHeaders, key: string): string | undefined {
  const names = Object.keys(tags);
  if (names.length === 0) return undefined;
  if (names.length > MAX_TAGS) throw invalid(`${names.length} tags were given, at most ${MAX_TAGS} are allowed`, key);
  return names.map((name) => `${percentEncoded(name)}=${percentEncoded(tags[name] as string)}`).join('&');
}

function checked(what: string, value: string, key: string): string {
  if (HEADER_TEXT.test(value)) return value;
  throw invalid(`${what}: expected printable ASCII that neither begins nor ends with a space, which is all that S3 keeps; got ${quoted(value, 40)}`, key);
}

function invalid(message: string, key: string): StorageError {
  return new StorageError('InvalidArgument', message, { key });
}
