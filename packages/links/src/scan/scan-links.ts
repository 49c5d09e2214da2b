import { type Bucket, type Call, formatLink, type LinkSchemes, type ListIssue, type ObjectInfo } from '@stowage/core';
import { endingOf } from '../media-type.ts';

/** Which objects: all of these must hold. */
export interface ScanFilter {
  /** Endings in lower case, without a dot. Default: any. */
  readonly endings?: ReadonlySet<string>;
  /** Bytes, inclusive. */
  readonly minSize?: number;
  readonly maxSize?: number;
  /** Written at or after this time, or before it. */
  readonly since?: Date;
  readonly until?: Date;
}

export interface ScanOptions extends Call {
  readonly bucket: Bucket;
  /** Keys that begin with this text. Default: all. */
  readonly prefix?: string;
  readonly filter?: ScanFilter;
  readonly schemes?: LinkSchemes;
}

/** What one page of a listing came to. */
export interface ScanPage {
  /** Links in canonical form, in the order of the listing. */
  readonly links: readonly string[];
  /** Objects met, those that the filter left out among them. */
  readonly objects: number;
  /** Keys that a line of a links file cannot hold: those with a line break, or with CR at the end. */
  readonly unwritable: readonly string[];
  /** What the listing met that is no object, or could not read. */
  readonly issues: readonly ListIssue[];
}

/** The links of the objects of a bucket, or of a part of it, as a links file wants them. Throws what the store throws. */
export async function* scanLinks(o: ScanOptions): AsyncGenerator<ScanPage, void, undefined> {
  const { bucket, prefix = '', filter = {}, schemes, signal, timeoutMs } = o;
  const call = { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const { provider, name } = bucket;
  for await (const page of bucket.listPages({ ...call, prefix })) {
    const links: string[] = [];
    const unwritable: string[] = [];
    for (const info of page.objects) {
      if (!passes(info, filter)) continue;
      if (/\n|\r$/.test(info.key)) unwritable.push(info.key);
      else links.push(formatLink({ kind: 'object', provider, bucket: name, key: info.key }, schemes === undefined ? {} : { schemes }));
    }
    yield { links, objects: page.objects.length, unwritable, issues: page.issues };
  }
}

function passes({ key, size, lastModified }: ObjectInfo, { endings, minSize, maxSize, since, until }: ScanFilter): boolean {
  if (endings !== undefined && !endings.has(endingOf(key.slice(key.lastIndexOf('/') + 1)))) return false;
  if ((minSize !== undefined && size < minSize) || (maxSize !== undefined && size > maxSize)) return false;
  return !((since !== undefined && lastModified < since) || (until !== undefined && lastModified >= until));
}
