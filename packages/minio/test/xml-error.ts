import type { ServerResponse } from 'node:http';

/** A refusal as S3 has it. */
export function xmlError(answer: ServerResponse, status: number, code: string, headers: Record<string, string> = {}, message = 'A fault of the test.'): true {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>TESTREQUEST</RequestId></Error>`;
  answer.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body), ...headers });
  answer.end(answer.req.method === 'HEAD' ? undefined : body);
  return true;
}
