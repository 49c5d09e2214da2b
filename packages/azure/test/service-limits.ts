/** Cases of the conformance suite that Azure, or its emulator, cannot pass, whoever speaks to it, each with the reason. */
export const SERVICE_LIMITS: Readonly<Record<string, string>> = {
  'two uploads of one key do not mix': 'the service drops every uncommitted block of a blob when any are committed: the second upload is told that it is over',
  'a presigned PUT with another content type than the signed one is refused':
    'a SAS covers no header of the request: whoever holds it may send another content type',
  'any string may be the delimiter': 'Azurite cuts a group behind the first character of the delimiter; the service takes strings',
  'a key with a non-character is kept exactly, or refused before any request':
    'Azurite fails with status 500 where XML cannot hold a name; the service encodes such names',
};
