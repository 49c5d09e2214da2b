import { type Bucket, formatLinkPrefix, isStorageError, type Link, type LinkSchemes, type Storages } from '@stowage/core';

/** The bucket of a link, or the reason why there is none. */
export type FoundBucket = { readonly ok: true; readonly bucket: Bucket; readonly key: string } | { readonly ok: false; readonly message: string };

/** Finds the buckets of links. What a link's bucket came to is kept: a million links of a misspelt bucket are judged once. */
export class LinkedBuckets {
  readonly #storages: Storages;
  readonly #schemes: LinkSchemes | undefined;
  readonly #found = new Map<string, Bucket | string>();

  constructor(storages: Storages, schemes?: LinkSchemes) {
    this.#storages = storages;
    this.#schemes = schemes;
  }

  find(link: Link): FoundBucket {
    const id = link.kind === 'object' ? `${link.provider}\n${link.bucket}` : link.url.slice(0, link.url.indexOf(':'));
    let found = this.#found.get(id);
    if (found === undefined) this.#found.set(id, (found = this.#open(link)));
    if (typeof found === 'string') return { ok: false, message: found };
    return { ok: true, bucket: found, key: link.kind === 'object' ? link.key : link.url };
  }

  #open(link: Link): Bucket | string {
    try {
      if (link.kind === 'url') return this.#storages.resolve(link.url).bucket;
      const schemes = this.#schemes === undefined ? {} : { schemes: this.#schemes };
      return this.#storages.bucket(formatLinkPrefix({ provider: link.provider, bucket: link.bucket, prefix: '' }, schemes));
    } catch (error) {
      if (!isStorageError(error)) throw error;
      return error.message;
    }
  }
}
