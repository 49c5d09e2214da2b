import { decodedText } from '@stowage/wire';

/** The text of the first element of that name; undefined for none, or one without text. */
export function elementText(xml: string, name: string): string | undefined {
  const at = xml.indexOf(`<${name}>`);
  if (at < 0) return undefined;
  const from = at + name.length + 2;
  const text = xml.slice(from, xml.indexOf('<', from));
  return text === '' ? undefined : decodedText(text);
}

/** What an error document of the service says. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly detail: string | undefined;
}

/** The `<Error>` that a body is; undefined where it is something else. */
export function errorDocument(body: Uint8Array): ErrorDocument | undefined {
  const xml = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (!/^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(xml)) return undefined;
  return { code: elementText(xml, 'Code') ?? '', message: elementText(xml, 'Message') ?? '', detail: elementText(xml, 'AuthenticationErrorDetail') };
}
