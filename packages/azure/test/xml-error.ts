import type { ServerResponse } from 'node:http';

/** A refusal in the service's form: the code stands in a header, and in a document where there is a body. */
export function xmlError(answer: ServerResponse, status: number, code: string, headers: Record<string, string> = {}, detail = ''): true {
  const body = `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>A fault of the test.\nRequestId:test\nTime:2026-01-01T00:00:00.0000000Z</Message>${detail}</Error>`;
  answer.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
    'x-ms-error-code': code,
    'x-ms-request-id': 'test',
    ...headers,
  });
  answer.end(answer.req.method === 'HEAD' ? undefined : body);
  return true;
}
