import { type ResolvedRange, StorageError } from '@stowage/core';

/** The bytes of a range out of a body that begins at byte 0. What lies behind them is not waited for. */
export async function* wantedPart(body: AsyncIterable<Uint8Array>, { start, end }: ResolvedRange): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const chunk of body) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += chunk.byteLength;
    if (part.byteLength > 0) yield part;
    if (at >= end) return;
  }
}

/** A body whose length stands elsewhere than in its Content-Length. Throws where fewer or more bytes come. */
export async function* exactly(body: AsyncIterable<Uint8Array>, bytes: number, shown: string): AsyncGenerator<Uint8Array, void, undefined> {
  let got = 0;
  for await (const chunk of body) {
    got += chunk.byteLength;
    if (got > bytes) break;
    yield chunk;
  }
  if (got !== bytes)
    throw new StorageError('Unavailable', `${shown}: ${bytes} bytes were announced and ${got > bytes ? 'more' : got} came`, { provider: 'http' });
}
