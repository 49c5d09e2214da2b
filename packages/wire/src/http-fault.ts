/**
 * Why a connection gave no answer, beside the faults of sockets and of TLS, which come as Node has them.
 * - `ECONNRESET`: the other side closed it
 * - `ETIMEDOUT`: nothing came in time
 * - `HTTP_MALFORMED`: what came is no HTTP/1.1
 * - `HTTP_CHUNKS`: an answer began well, and the chunks of its body did not go on so
 */
export class HttpFault extends Error {
  readonly code: 'ECONNRESET' | 'ETIMEDOUT' | 'HTTP_MALFORMED' | 'HTTP_CHUNKS';

  constructor(code: HttpFault['code'], message: string) {
    super(message);
    this.name = 'HttpFault';
    this.code = code;
  }
}
