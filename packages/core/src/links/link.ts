/** An object of a configured storage: `s3://cars/2020/truck.jpg`. */
export interface ObjectLink {
  readonly kind: 'object';
  /** The provider's name, not the scheme: `s3` and `minio` are both `minio`. */
  readonly provider: string;
  /** For `fs` the storage ID. */
  readonly bucket: string;
  /** Literal: nothing in it is decoded, trimmed or normalised. */
  readonly key: string;
}

/** A public file on the web, as one opaque URL. */
export interface UrlLink {
  readonly kind: 'url';
  /** As it was given, but for a scheme in lower case. */
  readonly url: string;
}

export type Link = ObjectLink | UrlLink;

/** A bucket, or the part of it whose keys begin with the prefix: `s3://cars/2020/`, `azure://boats`. */
export interface LinkPrefix {
  readonly provider: string;
  readonly bucket: string;
  /** Literal; empty for the whole bucket. */
  readonly prefix: string;
}

/** From a scheme in lower case to the provider that answers for it. The first scheme of a provider is the one that is written. */
export type LinkSchemes = ReadonlyMap<string, string>;

/** The schemes of the providers that Stowage ships. `http` and `https` always mean one opaque URL. */
export const STANDARD_SCHEMES: LinkSchemes = new Map([
  ['s3', 'minio'],
  ['minio', 'minio'],
  ['azure', 'azure'],
  ['google', 'google'],
  ['gcs', 'google'],
  ['gs', 'google'],
  ['fs', 'fs'],
  ['http', 'http'],
  ['https', 'http'],
]);

/** Why a text is no link. */
export interface LinkFault {
  readonly ok: false;
  /** From 1, in UTF-16 code units, as editors count; one past the end where something is missing there. */
  readonly column: number;
  /** One line: what was expected, and what stands there. Holds no more of the text than is needed. */
  readonly reason: string;
}
