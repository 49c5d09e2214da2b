import type { ObjectHeaders } from './object-info.ts';

/** The headers among a bag of options, copied, with metadata names in lower case; nothing that is undefined. */
export function pickHeaders(o: ObjectHeaders): ObjectHeaders {
  const { contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage, storageClass, metadata, tags } = o;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(contentDisposition === undefined ? {} : { contentDisposition }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(contentLanguage === undefined ? {} : { contentLanguage }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(metadata === undefined || Object.keys(metadata).length === 0 ? {} : { metadata: lowerCaseNames(metadata) }),
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags: { ...tags } }),
  };
}

function lowerCaseNames(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
}
