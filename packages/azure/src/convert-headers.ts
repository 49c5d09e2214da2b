import { type ObjectHeaders, quoted, StorageError } from '@stowage/core';
import { percentEncoded } from '@stowage/wire';

/** Visible ASCII with spaces inside: what a header carries and a signature covers without a change. */
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#metadata-names */
const METADATA_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names and values together: https://learn.microsoft.com/en-us/rest/api/storageservices/set-blob-metadata#remarks */
const MAX_METADATA_BYTES = 8 * 1024;
/** https://learn.microsoft.com/en-us/azure/storage/blobs/storage-manage-find-blobs#setting-blob-index-tags */
const MAX_TAGS = 10;
const TAG_TEXT = /^[A-Za-z0-9 +\-./:=_]*$/;

const DEFAULT_TYPE = 'application/octet-stream';

/** The content's headers, as a write of a whole blob and Set Blob Properties name them. */
export function propertyHeaders(h: ObjectHeaders, key: string): Record<string, string> {
  const out: Record<string, string> = { 'x-ms-blob-content-type': checked('contentType', h.contentType ?? DEFAULT_TYPE, key) };
  if (h.cacheControl !== undefined) out['x-ms-blob-cache-control'] = checked('cacheControl', h.cacheControl, key);
  if (h.contentDisposition !== undefined) out['x-ms-blob-content-disposition'] = checked('contentDisposition', h.contentDisposition, key);
  if (h.contentEncoding !== undefined) out['x-ms-blob-content-encoding'] = checked('contentEncoding', h.contentEncoding, key);
  if (h.contentLanguage !== undefined) out['x-ms-blob-content-language'] = checked('contentLanguage', h.contentLanguage, key);
  return out;
}

/** Everything that is kept beside a blob, for a write of the whole. Throws `InvalidArgument` for what would not come back as it is. */
export function requestHeaders(h: ObjectHeaders, key: string): Record<string, string> {
  const tags = tagsHeader(h, key);
  return {
    ...propertyHeaders(h, key),
    ...metadataHeaders(h, key),
    ...(tags === undefined ? {} : { 'x-ms-tags': tags }),
    ...(h.storageClass === undefined ? {} : { 'x-ms-access-tier': checked('storageClass', h.storageClass, key) }),
  };
}

export function metadataHeaders({ metadata = {} }: ObjectHeaders, key: string): Record<string, string> {
  const out: Record<string, string> = {};
  let bytes = 0;
  for (const name in metadata) {
    if (!METADATA_NAME.test(name))
      throw invalid(`metadata ${quoted(name)}: Azure keeps names of letters, digits and "_" that begin with no digit, and no others`, key);
    const value = metadata[name] as string;
    out[`x-ms-meta-${name.toLowerCase()}`] = checked(`metadata ${quoted(name)}`, value, key);
    bytes += name.length + value.length;
  }
  if (bytes > MAX_METADATA_BYTES) throw invalid(`the metadata has ${bytes} bytes, at most ${MAX_METADATA_BYTES} are allowed`, key);
  return out;
}

/** `name=value&…`, encoded; undefined for no tags. */
function tagsHeader({ tags = {} }: ObjectHeaders, key: string): string | undefined {
  const names = checkedTags(tags, key);
  return names.length === 0 ? undefined : names.map((name) => `${percentEncoded(name)}=${percentEncoded(tags[name] as string)}`).join('&');
}

/** The names of the tags, which are found to be such as Azure keeps. */
export function checkedTags(tags: Readonly<Record<string, string>>, key: string): readonly string[] {
  const names = Object.keys(tags);
  if (names.length > MAX_TAGS) throw invalid(`${names.length} tags were given, at most ${MAX_TAGS} are allowed`, key);
  for (const name of names) {
    const value = tags[name] as string;
    if (name === '' || name.length > 128 || value.length > 256 || !TAG_TEXT.test(name) || !TAG_TEXT.test(value))
      throw invalid(`tag ${quoted(name)}: Azure keeps names of 1 to 128 and values of up to 256 letters, digits, spaces and + - . / : = _`, key);
  }
  return names;
}

/** Headers as they will be read back: names of metadata in lower case. */
export function keptHeaders(h: ObjectHeaders): ObjectHeaders {
  const { metadata } = h;
  const lower = metadata === undefined ? {} : { metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value])) };
  return { ...h, contentType: h.contentType ?? DEFAULT_TYPE, ...lower };
}

function checked(what: string, value: string, key: string): string {
  if (HEADER_TEXT.test(value)) return value;
  throw invalid(
    `${what}: expected printable ASCII that is not empty and neither begins nor ends with a space, which is all that Azure keeps; got ${quoted(value, 40)}`,
    key,
  );
}

function invalid(message: string, key: string): StorageError {
  return new StorageError('InvalidArgument', message, { key });
}
