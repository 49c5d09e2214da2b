/**
 * What a token of MinIO says: the key behind which to go on, and the name of the listing that the server keeps (measured, and read
 * from its source). The first token of a listing has no name: the listing is made, and kept, when that token comes back.
 */
export class MinioToken {
  readonly mark: string;
  /** Undefined in the first of a listing. */
  readonly listing: string | undefined;

  private constructor(mark: string, listing: string | undefined) {
    this.mark = mark;
    this.listing = listing;
  }

  /** Undefined where the token is none of MinIO's. */
  static read(token: string): MinioToken | undefined {
    const [, mark, tags] = /^(.*)\[minio_cache:([^[\]]*)\]$/s.exec(Buffer.from(token, 'base64').toString()) ?? [];
    return mark === undefined || tags === undefined ? undefined : new MinioToken(mark, /(?:^|,)id:([^,]+)/.exec(tags)?.[1]);
  }

  /** Whether the page that this token asked for, with `next` behind it, was read from the listing that the server keeps. */
  continuedBy(next: string | undefined): boolean {
    const listing = next === undefined ? undefined : MinioToken.read(next)?.listing;
    return listing !== undefined && (this.listing === undefined || this.listing === listing);
  }
}
