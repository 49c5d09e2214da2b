import { decodedText } from '@stowage/wire';
import type { PartMark } from '../part-token.ts';

/** The parts that make an object, as a completion names them: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export function completionDocument(parts: readonly PartMark[]): string {
  const listed = parts.map(
    ({ etag, crc32 }, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escaped(etag)}</ETag>${crc32 === undefined ? '' : `<ChecksumCRC32>${crc32}</ChecksumCRC32>`}</Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`;
}

/** The text of the first element of that name; undefined where there is none. */
export function elementText(document: string, name: string): string | undefined {
  const open = `<${name}>`;
  const begin = document.indexOf(open);
  const end = document.indexOf(`</${name}>`, begin);
  return begin < 0 || end < 0 ? undefined : decodedText(document.slice(begin + open.length, end));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
