/**
 * Whether the text is base64 of at least one byte with its padding (RFC 4648, section 4), white space apart. `Buffer.from` never
 * fails: it drops what it does not know, and a truncated key would be used as it is.
 */
export function isBase64(text: string): boolean {
  const bare = text.replace(/\s+/g, '');
  return bare !== '' && bare.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(bare);
}
