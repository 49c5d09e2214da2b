/** Characters of a service's text that a message quotes at most. */
const MAX_QUOTE = 240;

/** Texts that are secret by their shape, whoever wrote them into an answer. Azure repeats the string that it signed, and whole URLs. */
const SECRET_SHAPES: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]{8,}(\.[\w-]*){1,2}/g, '[redacted]'],
  [/([?&;\s]|^)(sig|skoid|sktid|AccountKey|SharedAccessSignature)=[^\s&;"']+/gi, '$1$2=[redacted]'],
  [/\b(authorization|signature|secret[\w-]*|password)(["']?\s*[:=]\s*)(["']?)[^\s"'&,;]+/gi, '$1$2$3[redacted]'],
];

/**
 * A service's own words as they may stand in a message: one line, cut, without the given secrets in the forms in which a service
 * repeats what it was sent, and without what looks like a secret.
 */
export function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    for (const form of [secret, encodeURIComponent(secret), decodedOnce(secret)]) clean = clean.replaceAll(form, '[redacted]');
  }
  for (const [shape, instead] of SECRET_SHAPES) clean = clean.replace(shape, instead);
  clean = clean.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return clean.length > MAX_QUOTE ? `${clean.slice(0, MAX_QUOTE).toWellFormed()}…` : clean;
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone "%": it is as it stands.
    return text;
  }
}
