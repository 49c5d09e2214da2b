/** CRC-32C by eight tables at a time (RFC 3720, B.4 names the polynomial). Written apart from the client's, so that neither proves itself. */
const TABLES: readonly Uint32Array[] = tables();

function tables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    first[n] = c >>> 0;
  }
  const all = [first];
  for (let t = 1; t < 8; t++) all.push(first.map((_, n) => following(all[t - 1] as Uint32Array, first, n)));
  return all;
}

function following(before: Uint32Array, first: Uint32Array, n: number): number {
  const c = before[n] as number;
  return ((c >>> 8) ^ (first[c & 0xff] as number)) >>> 0;
}

/** Goes on from the checksum of what came before; 0 at the start. */
export function castagnoli(bytes: Uint8Array, before: number = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let c = ~before >>> 0;
  let i = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (; i + 8 <= bytes.byteLength; i += 8) {
    const low = (view.getUint32(i, true) ^ c) >>> 0;
    const high = view.getUint32(i + 4, true);
    c =
      ((t7[low & 0xff] as number) ^
        (t6[(low >>> 8) & 0xff] as number) ^
        (t5[(low >>> 16) & 0xff] as number) ^
        (t4[low >>> 24] as number) ^
        (t3[high & 0xff] as number) ^
        (t2[(high >>> 8) & 0xff] as number) ^
        (t1[(high >>> 16) & 0xff] as number) ^
        (t0[high >>> 24] as number)) >>>
      0;
  }
  for (; i < bytes.byteLength; i++) c = ((c >>> 8) ^ (t0[(c ^ (bytes[i] as number)) & 0xff] as number)) >>> 0;
  return ~c >>> 0;
}

/** Base64 of the big-endian number, as the API has it. */
export function castagnoliText(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}
