/**
 * Memory that begins at a page of the system's memory, for a store whose `multipart.pageAligned` asks for it. Not filled: the system
 * gives each page, of zeros, when it is first touched.
 *
 * What begins at a page is V8's choice, not the language's: an `ArrayBuffer` that may be resized has pages of its own. Where another
 * engine chooses otherwise the parts are still written, only slower. It is never resized; but the Web's own functions (`fetch`,
 * `Response`) take no bytes of such a buffer, which is why it is for those alone who ask.
 */
export function pageAlignedBuffer(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
}
