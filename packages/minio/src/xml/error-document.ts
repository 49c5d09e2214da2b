import { decodedText } from '@stowage/wire';

/** What an S3 error document says. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  /** The bucket's own region, where the request went to another. */
  readonly region?: string;
  readonly requestId?: string;
}

/** The `<Error>` that a body is; undefined where it is something else. */
export function errorDocument(body: Uint8Array): ErrorDocument | undefined {
  // An error begins behind the declaration and white space at most: a listing of a million keys is not searched.
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 16_384)).toString('utf8');
  if (!/^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(text)) return undefined;
  const field = (name: string): string | undefined => {
    const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
    return found === undefined || found === '' ? undefined : decodedText(found);
  };
  const region = field('Region');
  const requestId = field('RequestId');
  return {
    code: field('Code') ?? '',
    message: field('Message') ?? '',
    ...(region === undefined ? {} : { region }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
