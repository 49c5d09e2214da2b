/** Characters of a service's text that a message quotes at most. */
const MAX_QUOTE = 240;
/** Shorter ones stand in every text. */
const SHORTEST = 4;

/** Texts that are secret by their shape, whoever wrote them into an answer. */
const SECRET_SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z0-9 ]*-----|$)/g, '[redacted]'],
  // JSON web tokens, and Google's access tokens.
  [/\beyJ[\w-]{8,}(\.[\w-]*){1,2}/g, '[redacted]'],
  [/\bya29\.[\w.-]+/g, '[redacted]'],
  // A SAS and a connection string of Azure.
  [/([?&;\s]|^)(sig|skoid|sktid|AccountKey|SharedAccessSignature)=[^\s&;"']+/gi, '$1$2=[redacted]'],
  [/\b(authorization|[\w-]*signature|secret[\w-]*|[\w-]*token|assertion|upload_id|password)(["']?\s*[:=]\s*)(["']?)[^\s"'&,;]+/gi, '$1$2$3[redacted]'],
];

/**
 * A service's own words as they may stand in a message: one line, cut, without the given secrets in any of the forms in which a service
 * repeats what it was sent, and without what looks like a secret. Services do repeat: STS answers a wrong signature with the whole
 * canonical request, session token included; Azure with the string that it signed, and with whole URLs.
 */
export function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    for (const form of formsOf(secret)) if (form.length >= SHORTEST) clean = clean.replaceAll(form, '[redacted]');
  }
  for (const [shape, instead] of SECRET_SHAPES) clean = clean.replace(shape, instead);
  clean = clean.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return clean.length > MAX_QUOTE ? `${clean.slice(0, MAX_QUOTE).toWellFormed()}…` : clean;
}

function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    decodedOnce(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone "%": it is as it stands.
    return text;
  }
}
