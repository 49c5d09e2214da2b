/** Characters of a service's text that a message quotes at most. */
const MAX_QUOTE = 240;

/** Texts that are secret by their shape, whoever wrote them into an answer. */
const SECRET_SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z0-9 ]*-----|$)/g, '[redacted]'],
  [/\beyJ[\w-]{8,}(\.[\w-]*){1,2}/g, '[redacted]'],
  [/\bya29\.[\w.-]+/g, '[redacted]'],
  [
    /\b(upload_id|authorization|x-goog-signature|signature|secret[\w-]*|[\w-]*token|assertion|password)(["']?\s*[:=]\s*)(["']?)[^\s"'&,;]+/gi,
    '$1$2$3[redacted]',
  ],
];

/** A service's own words as they may stand in a message: one line, cut, without the given secrets and without what looks like one. */
export function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) clean = clean.replaceAll(form, '[redacted]');
  }
  for (const [shape, instead] of SECRET_SHAPES) clean = clean.replace(shape, instead);
  clean = clean.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return clean.length > MAX_QUOTE ? `${clean.slice(0, MAX_QUOTE).toWellFormed()}…` : clean;
}
