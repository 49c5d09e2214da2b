import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type AnswerHead, type AnswerHeaders, type BodyLength, bodyLengthOf, keepAliveMs, parseHead } from './answer-head.ts';
import { AnswerBody, type BodySource } from './answer-body.ts';
import { ChunkedDecoding } from './chunked-decoding.ts';
import { HttpFault } from './http-fault.ts';

/** Where connections of a pool go. */
export interface Origin {
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number;
  /** PEM of authorities to trust instead of Node's own. */
  readonly ca: string | undefined;
  /** The last session of TLS, so that a later connection need not begin anew. */
  session?: Buffer;
}

/** How long each may take, in milliseconds. */
export interface Patience {
  readonly connectTimeoutMs: number;
  /** 0: no limit. */
  readonly answerTimeoutMs: number;
  readonly silenceMs: number;
}

/** A request as it goes out, and who waits for its answer. */
export interface Exchange {
  readonly method: string;
  readonly head: string;
  readonly body: readonly Uint8Array[];
  /** Where the content may be put. */
  readonly into: Uint8Array | undefined;
  answered(status: number, headers: AnswerHeaders, body: AnswerBody): void;
  /** Before the answer has begun. */
  failed(error: unknown): void;
  /** Nothing of this request is to come any more. */
  ended(): void;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** It will be idle or gone before the event loop turns. */
  ending(connection: HttpConnection): void;
  /** It can take another request. */
  idle(connection: HttpConnection): void;
  gone(connection: HttpConnection): void;
}

/** Heads are read into this much, and small bodies with them. Most pages of it are never touched where objects are small. */
const SCRATCH_BYTES = 32 * 1024;
/** A longer head is none. */
const MOST_HEAD_BYTES = 64 * 1024;
/** A body that goes to memory of its own is read into pieces of this size. */
const CHUNK_BYTES = 256 * 1024;
/** One read takes no more: kernels keep 32 MiB and more for a socket, and a reader that is slow must not be given all of that at once. */
const READ_BYTES = 1024 * 1024;
/** Content up to this size is copied behind its head: one piece of memory and one write cost less than two. */
const JOINED_BYTES = 16 * 1024;
/** So much of a request's content is with the socket at once: over TLS the encrypted copy of it is no larger. */
const SENT_AT_ONCE_BYTES = 1024 * 1024;
/** An abandoned body of which no more is left than this is read to its end: cheaper than a new connection. */
const DRAIN_BYTES = 64 * 1024;
/** Servers drop idle connections after seconds that they mostly do not tell. */
const IDLE_MS = 4_000;
/** How much earlier than the server says an idle connection is given up. */
const IDLE_MARGIN_MS = 2_000;
const MOST_IDLE_MS = 600_000;

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/**
 * One keep-alive connection, for one request at a time. The socket is read straight into the memory that the content is for: no stream,
 * no chunk of its own for each read, no copy of what is large. (Node's `onread`; a client on streams spends three times as much on 1 GiB.)
 */
export class HttpConnection implements BodySource {
  readonly #owner: ConnectionOwner;
  readonly #patience: Patience;
  readonly #socket: Socket;
  readonly #tls: boolean;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #connected = false;
  #destroyed = false;
  #failure: unknown;
  #exchange: Exchange | undefined;
  #body: AnswerBody | undefined;
  /** The first bytes of a head that has not come to its end. */
  #begun: Buffer = NOTHING;
  #length: BodyLength = 0;
  /** Bytes still to come of a body whose length is known. */
  #left = 0;
  #chunked: ChunkedDecoding | undefined;
  #keepsAlive = true;
  /** The answer has come to its end, and what came with that end is still being looked at. */
  #hasFinished = false;
  /** Where the next bytes of a large body go, and whether that is its reader's own memory. */
  #direct: Buffer | undefined;
  #isLent = false;
  #directAt = 0;
  #paused = false;
  /** Whether something moved since the last look at the clock, and for how long nothing had before. */
  #moved = true;
  #quietMs = 0;
  /** Pieces of the request's content that are not with the socket yet, and how much of the first is. */
  #unsent: Uint8Array[] = [];
  #unsentAt = 0;
  #idleMs = IDLE_MS;
  #idleSince = 0;

  constructor(origin: Origin, patience: Patience, owner: ConnectionOwner, first: Exchange) {
    this.#owner = owner;
    this.#patience = patience;
    this.#tls = origin.tls;
    this.#socket = opened(origin, { buffer: () => this.#memory(), callback: (count) => this.#read(count) });
    this.#socket.setNoDelay(true);
    this.#socket.once(origin.tls ? 'secureConnect' : 'connect', () => {
      this.#connected = true;
      this.#moved = true;
    });
    this.#socket.on('error', (error) => {
      this.#failure ??= error;
    });
    this.#socket.once('end', () => this.#closed());
    this.#socket.once('close', () => this.#closed());
    this.send(first);
  }

  /** Whether an idle connection has been so for so long that the other side may be about to close it. */
  isStale(now: number): boolean {
    return now - this.#idleSince > this.#idleMs;
  }

  /** Sends a request; the connection must be new or idle. */
  send(exchange: Exchange): void {
    const socket = this.#socket;
    this.#exchange = exchange;
    this.#body = undefined;
    this.#keepsAlive = true;
    this.#moved = true;
    socket.ref();
    const { head, body } = exchange;
    const [only] = body;
    if (only === undefined) socket.write(head, 'latin1');
    else if (body.length === 1 && only.byteLength <= JOINED_BYTES) socket.write(inOne(head, only));
    else {
      this.#unsent = [...body];
      this.#unsentAt = 0;
      socket.cork();
      socket.write(head, 'latin1');
      this.#sendOn();
      socket.uncork();
    }
  }

  /** Gives the socket as much content as it takes at once, and the next when that is gone: so it shows that an upload goes on. */
  #sendOn(): void {
    const socket = this.#socket;
    this.#moved = true;
    let room = SENT_AT_ONCE_BYTES;
    socket.cork();
    for (let piece = this.#unsent[0]; piece !== undefined && room > 0 && !this.#destroyed; piece = this.#unsent[0]) {
      const part = piece.subarray(this.#unsentAt, this.#unsentAt + room);
      room -= part.byteLength;
      this.#unsentAt += part.byteLength;
      if (this.#unsentAt === piece.byteLength) {
        this.#unsent.shift();
        this.#unsentAt = 0;
      }
      const isLast = room === 0 || this.#unsent.length === 0;
      socket.write(part, isLast ? (): void => this.#sendOn() : undefined);
    }
    socket.uncork();
  }

  /** Ends the connection, and what waits on it with the error. */
  destroy(error: unknown): void {
    if (this.#destroyed) return;
    this.#failure ??= error;
    this.#closed();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#moved = true;
    this.#socket.resume();
  }

  abandon(): void {
    const left = typeof this.#length === 'number' ? this.#left : Number.POSITIVE_INFINITY;
    // Memory that was given for the content belongs to its reader again: nothing more may be read into it.
    if (left > DRAIN_BYTES || this.#isLent) this.destroy(new Error('the body was abandoned by its reader'));
    else if (this.#paused) this.resume();
  }

  /** Called every now and then with the time since the last call: gives up what has taken too long. */
  look(passedMs: number): void {
    this.#quietMs = this.#moved ? 0 : this.#quietMs + passedMs;
    if (this.#moved) {
      this.#moved = false;
      return;
    }
    const quiet = this.#quietMs;
    const { connectTimeoutMs, answerTimeoutMs, silenceMs } = this.#patience;
    if (this.#exchange === undefined) {
      if (quiet > this.#idleMs) this.destroy(undefined);
    } else if (!this.#connected) {
      if (quiet > connectTimeoutMs) this.destroy(new HttpFault('ETIMEDOUT', 'no connection in time'));
    } else if (this.#body === undefined) {
      if (answerTimeoutMs > 0 && quiet > answerTimeoutMs) this.destroy(new HttpFault('ETIMEDOUT', 'no answer in time'));
    } else if (!this.#paused && quiet > silenceMs) this.destroy(new HttpFault('ETIMEDOUT', 'the body was silent for too long'));
  }

  /** The memory that the next read goes to. */
  #memory(): Buffer {
    const direct = this.#readsInto();
    return direct === undefined ? this.#scratch : direct.subarray(this.#directAt, this.#directAt + READ_BYTES);
  }

  /**
   * Where content goes without a copy. Over TLS not into memory that was lent: what Node has decrypted it hands out to the last piece,
   * into what it was given before, even if the socket was destroyed and its reader has the memory back.
   */
  #readsInto(): Buffer | undefined {
    return this.#tls && this.#isLent ? undefined : this.#direct;
  }

  /** So many bytes lie in what {@link #memory} gave. What comes back is whether to go on reading. */
  #read(count: number): boolean {
    this.#moved = true;
    const direct = this.#readsInto();
    // Then more may lie behind it, which is read before the event loop turns. Over TLS it comes in pieces of any size.
    const isFull = this.#tls || count === this.#memory().byteLength;
    try {
      if (direct === undefined) this.#take(this.#scratch.subarray(0, count));
      else this.#taken(count);
    } catch (error) {
      this.destroy(error);
    }
    if (this.#hasFinished) this.#settle(isFull);
    return !this.#paused;
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    while (rest.byteLength > 0 && !this.#destroyed) {
      // A body behind an answer that has none, or an answer that nobody asked for: what comes next could pass for an answer to somebody else.
      if (this.#exchange === undefined) return this.destroy(new HttpFault('HTTP_MALFORMED', 'more came than was asked for'));
      rest = this.#body === undefined ? this.#takeHead(rest) : this.#takeBody(rest);
    }
  }

  /** Gives what lies behind the head. */
  #takeHead(bytes: Buffer): Buffer {
    const joined = this.#begun.byteLength === 0 ? bytes : Buffer.concat([this.#begun, bytes]);
    const end = joined.indexOf(HEAD_END);
    if (end > MOST_HEAD_BYTES) throw new HttpFault('HTTP_MALFORMED', 'the head of the answer is too long');
    if (end < 0) {
      // What does not even begin as one need not be waited for.
      if (joined.byteLength > MOST_HEAD_BYTES + HEAD_END.byteLength || !'HTTP/1.'.startsWith(joined.toString('latin1', 0, Math.min(7, joined.byteLength))))
        throw new HttpFault('HTTP_MALFORMED', 'what came is no head of an answer');
      this.#begun = Buffer.from(joined);
      return NOTHING;
    }
    this.#begun = NOTHING;
    const head = parseHead(joined.toString('latin1', 0, end));
    const rest = joined.subarray(end + HEAD_END.byteLength);
    if (head.status === 101) throw new HttpFault('HTTP_MALFORMED', 'the server switched to a protocol that nobody asked for');
    // 100 and 103 come before the answer.
    if (head.status >= 200) this.#begin(head, rest.byteLength);
    return rest;
  }

  /** @param there how many bytes of what lies behind the head have come with it */
  #begin(head: AnswerHead, there: number): void {
    const exchange = this.#exchange as Exchange;
    const length = bodyLengthOf(exchange.method, head);
    this.#length = length;
    this.#left = typeof length === 'number' ? length : 0;
    this.#chunked = length === 'chunked' ? new ChunkedDecoding() : undefined;
    this.#keepsAlive = head.keepsAlive && length !== 'close';
    this.#idleMs = Math.min(MOST_IDLE_MS, (keepAliveMs(head.headers) ?? IDLE_MS + IDLE_MARGIN_MS) - IDLE_MARGIN_MS);
    const body = new AnswerBody(this, typeof length === 'number' ? length : undefined);
    this.#body = body;
    if (typeof length === 'number') this.#choose(exchange, length, there);
    exchange.answered(head.status, head.headers, body);
    if (length === 0) this.#finish();
  }

  /** Where the content goes: where its reader wants it, or where so much is to come that it is worth memory of its own. */
  #choose({ into }: Exchange, length: number, there: number): void {
    this.#isLent = into !== undefined && length > 0 && length <= into.byteLength;
    if (into !== undefined && this.#isLent) this.#direct = Buffer.from(into.buffer, into.byteOffset, length);
    else if (length > there) this.#direct = Buffer.allocUnsafeSlow(Math.min(length, CHUNK_BYTES));
    this.#directAt = 0;
  }

  /** Bytes of a body in the scratch: content is copied out of there. Gives what lies behind the body. */
  #takeBody(bytes: Buffer): Buffer {
    if (this.#chunked !== undefined) {
      const taken = this.#chunked.push(bytes, (content) => this.#body?.push(copyOf(content)));
      if (this.#chunked.ended) this.#finish();
      return bytes.subarray(taken);
    }
    if (this.#length === 'close') {
      this.#body?.push(copyOf(bytes));
      return NOTHING;
    }
    const count = Math.min(this.#left, bytes.byteLength, this.#direct === undefined ? SCRATCH_BYTES : this.#direct.byteLength - this.#directAt);
    if (this.#direct === undefined) {
      this.#left -= count;
      this.#body?.push(copyOf(bytes.subarray(0, count)));
      if (this.#left === 0) this.#finish();
    } else {
      bytes.copy(this.#direct, this.#directAt, 0, count);
      this.#taken(count);
    }
    return bytes.subarray(count);
  }

  /** So many bytes of the body lie where they belong. */
  #taken(count: number): void {
    const direct = this.#direct as Buffer;
    const chunk = direct.subarray(this.#directAt, this.#directAt + count);
    this.#directAt += count;
    this.#left -= count;
    if (this.#left === 0) this.#direct = undefined;
    else if (this.#directAt === direct.byteLength) {
      this.#direct = Buffer.allocUnsafeSlow(Math.min(this.#left, CHUNK_BYTES));
      this.#directAt = 0;
    }
    this.#body?.push(chunk);
    if (this.#left === 0) this.#finish();
  }

  /** The answer has come to its end. */
  #finish(): void {
    const exchange = this.#exchange;
    const body = this.#body;
    this.#exchange = undefined;
    this.#direct = undefined;
    this.#isLent = false;
    this.#hasFinished = true;
    body?.end();
    exchange?.ended();
  }

  /** What lies behind an answer must not meet the next request: nobody may send one before all that has come was looked at. */
  #settle(mayBeMore: boolean): void {
    this.#hasFinished = false;
    if (this.#destroyed) return;
    if (!mayBeMore) return this.#release();
    this.#owner.ending(this);
    setImmediate(() => this.#release());
  }

  /** The connection is there for another request, if it can be. */
  #release(): void {
    if (this.#destroyed) return;
    // An answer before all of the request was sent leaves the rest of that on its way.
    const isSent = this.#unsent.length === 0 && this.#socket.writableLength === 0;
    if (!this.#keepsAlive || this.#idleMs <= 0 || !isSent) return this.destroy(undefined);
    if (this.#paused) this.resume();
    this.#idleSince = performance.now();
    this.#socket.unref();
    this.#owner.idle(this);
  }

  /** The other side has closed the connection, or this one has. */
  #closed(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#direct = undefined;
    this.#unsent = [];
    this.#owner.gone(this);
    if (exchange === undefined) return;
    exchange.ended();
    if (this.#body !== undefined && this.#length === 'close' && this.#failure === undefined) return this.#body.end();
    const error = this.#failure ?? new HttpFault('ECONNRESET', 'the other side closed the connection');
    if (this.#body === undefined) exchange.failed(error);
    else this.#body.fail(error);
  }
}

function opened(origin: Origin, onread: OnReadOpts): Socket {
  const { tls, hostname, port, ca, session } = origin;
  const place = { host: hostname, port, onread };
  if (!tls) return connect(place);
  const options = {
    ...place,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(session === undefined ? {} : { session }),
  };
  const socket: TLSSocket = connectTls(options);
  socket.on('session', (latest: Buffer) => {
    origin.session = latest;
  });
  return socket;
}

/** Memory of its own, not a piece of a pool: whoever is given the content may look at all of its buffer. */
function copyOf(content: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(content.byteLength);
  content.copy(copy);
  return copy;
}

function inOne(head: string, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
  bytes.write(head, 0, 'latin1');
  bytes.set(body, head.length);
  return bytes;
}
