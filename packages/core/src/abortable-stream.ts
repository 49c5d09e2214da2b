/** The stream, which ends with the signal's reason as soon as that is aborted, also where its source never gives another chunk. */
export function abortableStream(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  return signal === undefined ? chunks : abortable(chunks, signal);
}

async function* abortable(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let ended = false;
  // One promise a chunk: a race against one long-lived promise would keep every chunk until the end.
  let giveUp: ((reason: unknown) => void) | undefined;
  const abort = (): void => giveUp?.(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // A source that stalls would stall here, too, and what it throws on its way out changes nothing: the outcome is known.
    if (!ended) iterator.return?.().then(undefined, () => undefined);
  }
}
