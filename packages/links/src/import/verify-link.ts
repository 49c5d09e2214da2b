import type { Content, Places } from '@stowage/catalog';
import type { Bucket, Call, Link, ObjectInfo } from '@stowage/core';
import type { LinkedBuckets } from '../linked-buckets.ts';
import { endingOf, endingsOf, kindOf, mimeOf, type ProjectKind } from '../media-type.ts';
import { judgeStoreError } from '../store-verdict.ts';
import type { LineReason } from './line-outcome.ts';

/**
 * How much is seen to before a link is taken:
 * - `none` its form, its bucket and its ending: nothing is asked of a storage
 * - `head` the object is there, has bytes, and is of the project's type; its size and revision are kept
 * - `full` its content is read once: hash, real type, and the dimensions of images
 */
export type Verification = 'none' | 'head' | 'full';

export type Verified =
  | { readonly ok: true; readonly facts: Content & Pick<Places, 'revision'> }
  | { readonly ok: false; readonly reason: LineReason; readonly message: string };

export interface VerifierOptions {
  readonly verification: Verification;
  readonly kind: ProjectKind;
  /** Absent: nothing is known of storages, and no bucket is looked for. */
  readonly buckets: LinkedBuckets | undefined;
  readonly call: Call;
}

/** Sees to links before they are taken. Never throws for what is wrong with a link or its storage. */
export class LinkVerifier {
  readonly #o: VerifierOptions;

  constructor(o: VerifierOptions) {
    this.#o = o;
  }

  /** A value where no storage has to be asked: a promise for each of a million links would cost more than all else. */
  verify(link: Link, name: string): Verified | Promise<Verified> {
    const { verification, kind, buckets } = this.#o;
    const mime = mimeOf(kind, name);
    // What has another kind's ending is not worth a request; what has none may still be told by its content type.
    if (mime === undefined && (verification === 'none' || kindOf(name) !== undefined))
      return { ok: false, reason: 'wrong-type', message: wrongEnding(kind, name) };
    const found = buckets?.find(link);
    if (found?.ok === false) return { ok: false, reason: 'unknown-storage', message: found.message };
    if (verification === 'none' || found === undefined) return { ok: true, facts: mime === undefined ? {} : { mime } };
    return this.#ask(found.bucket, found.key, mime, name);
  }

  async #ask(bucket: Bucket, key: string, mime: string | undefined, name: string): Promise<Verified> {
    const { verification, call } = this.#o;
    try {
      if (verification === 'head') return this.#judgeHead(await bucket.head(key, call), mime, name);
      await using object = await bucket.get(key, call);
      const { info } = object;
      if (info.size === 0) return EMPTY;
      // Libraries that know images and videos: only where content is read.
      const { readFacts } = await import('./content-facts.ts');
      const facts = await readFacts(object);
      // The first bytes know better than an ending; a kind that they do not show goes by the ending.
      const real = facts.mime ?? (mime !== undefined && UNSHOWN.has(endingOf(name)) ? mime : undefined);
      if (real === undefined || !isOfKind(real, this.#o.kind)) return wrongContent(this.#o.kind, facts.mime);
      return { ok: true, facts: { ...facts, mime: real, revision: info.revision } };
    } catch (error) {
      // An abort is no failure of the link.
      call.signal?.throwIfAborted();
      return { ok: false, reason: judgeStoreError(error), message: (error as Error).message };
    }
  }

  #judgeHead({ size, revision, headers }: ObjectInfo, mime: string | undefined, name: string): Verified {
    const { kind } = this.#o;
    if (size === 0) return EMPTY;
    const said = headers?.contentType?.split(';', 1)[0]?.trim().toLowerCase();
    // Stores give what was uploaded with: a page in the place of a picture shows, a picture as a mere stream of bytes is usual.
    if (said !== undefined && isForeign(said, kind))
      return { ok: false, reason: 'wrong-type', message: `expected ${NOUN[kind]}; its storage has it as ${said}` };
    const known = mime ?? (said !== undefined && isOfKind(said, kind) ? said : undefined);
    if (known === undefined) return { ok: false, reason: 'wrong-type', message: wrongEnding(kind, name) };
    return { ok: true, facts: { size, mime: known, revision } };
  }
}

const EMPTY: Verified = { ok: false, reason: 'empty', message: 'the object has no bytes' };
const NOUN: Readonly<Record<ProjectKind, string>> = { images: 'an image', videos: 'a video' };
/** Endings whose kind the first bytes do not show by themselves. */
const UNSHOWN: ReadonlySet<string> = new Set(['mpo', 'nrrd']);

function isOfKind(mime: string, kind: ProjectKind): boolean {
  // Windows Media files are told as the container that they are.
  if (kind === 'videos') return mime.startsWith('video/') || mime === 'application/vnd.ms-asf';
  return mime.startsWith('image/');
}

function isForeign(mime: string, kind: ProjectKind): boolean {
  return mime.startsWith('text/') || mime === 'application/json' || mime === 'application/xml' || mime.startsWith(kind === 'images' ? 'video/' : 'image/');
}

function wrongContent(kind: ProjectKind, mime: string | undefined): Verified {
  return { ok: false, reason: 'wrong-type', message: `expected ${NOUN[kind]}; the content is ${mime === undefined ? 'of no known kind' : mime}` };
}

function wrongEnding(kind: ProjectKind, name: string): string {
  const ending = endingOf(name);
  const got = ending === '' ? 'no ending' : `".${ending.slice(0, 20)}"`;
  const other = kindOf(name);
  const advice = other === undefined ? '' : `; import it into a project of ${other}`;
  return `expected ${NOUN[kind]} (${endingsOf(kind).join(', ')}); got ${got}${advice}`;
}
