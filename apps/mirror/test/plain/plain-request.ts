import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';

export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request, sent as it is written: nothing of the path is made tidy, nothing of the answer is decoded. Throws for another status than the wanted. */
export async function plainRequest(
  wanted: number,
  method: string,
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  content: string | Uint8Array = '',
): Promise<PlainAnswer> {
  const { hostname: host, port } = new URL(origin);
  const answer = await new Promise<PlainAnswer>((resolve, reject) => {
    const length = Buffer.byteLength(content);
    const request = httpRequest({ host, port, method, path, agent: false, headers: { ...headers, 'content-length': length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(content);
  });
  if (answer.status !== wanted) throw new Error(`${method} ${path.slice(0, 200)} is answered with ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
  return answer;
}
