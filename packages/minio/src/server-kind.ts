import { type AnswerHeaders, headerOf } from '@stowage/wire';

/** Who answers, of the servers whose rules differ from the protocol's. */
export type ServerKind = 'minio' | 'versitygw' | 'other';

/**
 * By the headers of any answer (measured). A proxy may put its own name over the server's: MinIO shows itself by the code of an answer to
 * HEAD too, and by its host's mark, a SHA-256 in hexadecimal, where others send base64 or nothing.
 */
export function serverKind(headers: AnswerHeaders): ServerKind {
  const server = headerOf(headers, 'server');
  if (server === 'VERSITYGW') return 'versitygw';
  const minio =
    server?.startsWith('MinIO') === true || headers['x-minio-error-code'] !== undefined || /^[0-9a-f]{64}$/.test(headerOf(headers, 'x-amz-id-2') ?? '');
  return minio ? 'minio' : 'other';
}
