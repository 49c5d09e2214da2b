import {
  assertReadConditions,
  type ByteRange,
  type DriverObject,
  type GetOptions,
  type HeadOptions,
  type ObjectInfo,
  type ReadConditions,
  type ResolvedRange,
  resolveRange,
  shownKey,
  StorageError,
} from '@stowage/core';
import { infoOf, strongEtag, tellsTime } from './answer-info.ts';
import { contentRange } from './content-range.ts';
import { type AnswerHeaders, type GuardedAnswer, type GuardedClient, headerNumber, headerText } from './guarded-fetch/index.ts';
import { contradiction, statusError, unsupported } from './http-error.ts';
import { type HttpOptions, maxSkipped } from './http-options.ts';
import { exactly, wantedPart } from './wanted-part.ts';

/** Reads objects at URLs, and believes an answer only where it fits what was asked. */
export class HttpReader {
  readonly #client: GuardedClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxSkipped: number;

  constructor(client: GuardedClient, options: HttpOptions) {
    this.#client = client;
    this.#headers = options.headers ?? {};
    this.#maxSkipped = maxSkipped(options);
  }

  /** Asks by HEAD, and by a GET of the first byte where HEAD is refused or does not tell the size: links signed for GET, and many programs, answer it wrong. */
  async head(key: string, o: HeadOptions): Promise<ObjectInfo> {
    const { status, headers, body } = await this.#send('HEAD', key, undefined, o);
    body.close();
    const size = headerNumber(headers, 'content-length');
    if (status === 200 && size !== undefined && size > 0) return this.#info(key, headers, size, true, o);
    if (status === 200 || isDoubtful(status)) return this.#headByGet(key, o);
    throw statusError(status, headers, key);
  }

  async get(key: string, o: GetOptions): Promise<DriverObject> {
    const answer = await this.#send('GET', key, o.range, o);
    try {
      return await this.#object(key, answer, o);
    } catch (error) {
      answer.body.close();
      throw error;
    }
  }

  async #object(key: string, answer: GuardedAnswer, o: GetOptions): Promise<DriverObject> {
    const { status, headers } = answer;
    if (status === 200) return this.#cutOut(key, answer, o);
    if (status === 206 && o.range !== undefined) return this.#part(key, answer, o, o.range);
    const total = status === 416 ? contentRange(headers)?.total : undefined;
    // Some servers refuse a suffix that is longer than the object, which is all of it.
    if (o.range !== undefined && 'suffix' in o.range && total !== undefined && total > 0) {
      answer.body.close();
      return this.get(key, { ...o, range: { start: Math.max(0, total - o.range.suffix), end: total } });
    }
    if (status === 206) throw contradiction(key, 'a part came where the whole was asked for', status);
    throw statusError(status, headers, key);
  }

  /** The server sent all of it, as it was asked or because it knows no ranges. */
  #cutOut(key: string, answer: GuardedAnswer, o: GetOptions): DriverObject {
    const { headers, body } = answer;
    const info = this.#info(key, headers, sizeOf(key, headers), true, o);
    const range = resolveRange(o.range, info.size);
    if (range.start > this.#maxSkipped)
      throw unsupported(
        key,
        `the server gives no ranges, and ${range.start} bytes would be read for nothing to come to this one (maxSkippedBytes is ${this.#maxSkipped})`,
      );
    const whole = range.start === 0 && range.end === info.size;
    return { info, range, body: whole ? body : wantedPart(body, range), close: closing(answer) };
  }

  #part(key: string, answer: GuardedAnswer, o: GetOptions, wanted: ByteRange): DriverObject {
    const { status, headers, body } = answer;
    const told = contentRange(headers);
    if (told?.range === undefined) {
      const text = headerText(headers, 'content-range');
      const fault = text === undefined ? 'no Content-Range' : 'a Content-Range that does not tell the size or contradicts itself';
      throw contradiction(key, `a part came with ${fault}`, status);
    }
    const asked = resolveRange(wanted, told.total);
    if (told.range.start !== asked.start || told.range.end !== asked.end)
      throw contradiction(key, `bytes ${rangeText(asked)} of ${told.total} were asked for, and ${rangeText(told.range)} came`, status);
    const length = asked.end - asked.start;
    if (body.length !== undefined && body.length !== length)
      throw contradiction(key, `the answer announces ${length} bytes by its Content-Range and ${body.length} by its Content-Length`, status);
    const bytes = body.length === undefined ? exactly(body, length, JSON.stringify(shownKey(key))) : body;
    return { info: this.#info(key, headers, told.total, false, o), range: asked, body: bytes, close: closing(answer) };
  }

  async #headByGet(key: string, o: HeadOptions): Promise<ObjectInfo> {
    const answer = await this.#send('GET', key, { start: 0, end: 1 }, o);
    answer.body.close();
    const { status, headers } = answer;
    if (status === 200) return this.#info(key, headers, sizeOf(key, headers), true, o);
    const told = contentRange(headers);
    if (status === 206 && told?.range?.start === 0 && told.range.end === 1) return this.#info(key, headers, told.total, false, o);
    if (status === 206) throw contradiction(key, 'the first byte was asked for, and something else came', status);
    if (status !== 416) throw statusError(status, headers, key);
    // There is no first byte. The headers of a refusal are not those of the object.
    const whole = await this.#send('GET', key, undefined, o);
    whole.body.close();
    if (whole.status === 200) return this.#info(key, whole.headers, sizeOf(key, whole.headers), true, o);
    throw statusError(whole.status, whole.headers, key);
  }

  #send(method: 'GET' | 'HEAD', key: string, range: ByteRange | undefined, o: HeadOptions): Promise<GuardedAnswer> {
    const headers = { ...this.#headers, ...conditionHeaders(o), ...(range === undefined ? {} : { range: rangeHeader(range) }) };
    return this.#client.fetch(key, { method, headers, signal: o.signal });
  }

  /** Judged here as well: a server may ignore conditions, and most compare times for equality alone. */
  #info(key: string, headers: AnswerHeaders, size: number, whole: boolean, o: ReadConditions): ObjectInfo {
    const info = infoOf(key, headers, size, whole);
    if (tellsTime(headers)) {
      assertReadConditions(key, info, o);
      return info;
    }
    const { ifModifiedSince: _, ifUnmodifiedSince, ...byRevision } = o;
    if (ifUnmodifiedSince !== undefined && o.ifMatch === undefined)
      throw new StorageError('PreconditionFailed', `${JSON.stringify(shownKey(key))}: the server does not tell when it was changed`, { provider: 'http' });
    assertReadConditions(key, info, byRevision);
    return info;
  }
}

/** Statuses that HEAD alone may have been answered with. */
function isDoubtful(status: number): boolean {
  return status === 501 || (status >= 400 && status < 500 && ![407, 408, 410, 412, 416, 425, 429].includes(status));
}

function sizeOf(key: string, headers: AnswerHeaders): number {
  const size = headerNumber(headers, 'content-length');
  if (size === undefined) throw unsupported(key, 'the server does not tell its size (no Content-Length): what is made while it is sent is no object');
  return size;
}

function conditionHeaders({ ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince }: ReadConditions): Record<string, string> {
  const headers: Record<string, string> = {};
  const [match, noneMatch] = [ifMatch && strongEtag(ifMatch), ifNoneMatch && strongEtag(ifNoneMatch)];
  if (match !== undefined) headers['if-match'] = match;
  if (noneMatch !== undefined) headers['if-none-match'] = noneMatch;
  // A time counts only where no revision is named, which is judged here where no tag can be sent.
  if (ifModifiedSince !== undefined && ifNoneMatch === undefined) headers['if-modified-since'] = ifModifiedSince.toUTCString();
  if (ifUnmodifiedSince !== undefined && ifMatch === undefined) headers['if-unmodified-since'] = ifUnmodifiedSince.toUTCString();
  return headers;
}

function rangeHeader(range: ByteRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`;
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
}

function rangeText({ start, end }: ResolvedRange): string {
  return `${start}-${end - 1}`;
}

function closing({ body }: GuardedAnswer): () => Promise<void> {
  return async () => body.close();
}
