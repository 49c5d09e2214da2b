import type { ServerResponse } from 'node:http';

/** A refusal of the JSON API. */
export function jsonError(
  answer: ServerResponse,
  status: number,
  reason: string,
  headers: Record<string, string> = {},
  message = 'A fault of the test.',
): true {
  const body = JSON.stringify({ error: { code: status, message, errors: [{ message, domain: 'global', reason }] } });
  answer.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', 'content-length': Buffer.byteLength(body), ...headers });
  answer.end(answer.req.method === 'HEAD' ? undefined : body);
  return true;
}
