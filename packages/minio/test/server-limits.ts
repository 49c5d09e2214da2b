/** Cases of the conformance suite that a server cannot pass, whoever speaks to it, each with the reason. */
export const MINIO_LIMITS: Readonly<Record<string, string>> = {
  'a key with a trailing slash is kept exactly, or refused before any request': 'MinIO keeps such keys, and takes no multipart upload for them',
  'a key with 1,024 bytes in short segments is kept exactly, or refused before any request':
    'it ends in a slash: MinIO keeps such keys, and takes no multipart upload for them',
};

export const VERSITYGW_LIMITS: Readonly<Record<string, string>> = {
  'reads conditional on time compare with the modification time': 'the gateway compares fractions of a second with whole ones',
  'a key with a version query is kept exactly, or refused before any request': 'the gateway decodes the source of a copy before it looks for "?versionId="',
  'keys are accepted up to the length that the capabilities name, and not beyond':
    'the gateway fails with status 500 on the completion of an upload whose key is near the limit',
  'a copy onto itself loses nothing, and takes new headers': 'the gateway keeps old headers that the new ones do not name',
  'setHeaders replaces all headers and keeps the content': 'the gateway keeps old headers that the new ones do not name',
};
