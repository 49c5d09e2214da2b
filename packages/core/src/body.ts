/** What a user may give as content. A string is sent as UTF-8. */
export type Body = Uint8Array | string | Blob | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What a driver is given as content: all of it at hand, or a stream to be read once, with backpressure. */
export type DriverBody = Uint8Array | AsyncIterable<Uint8Array>;
