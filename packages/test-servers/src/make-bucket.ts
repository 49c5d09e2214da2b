import { createHash, createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { S3Server } from './s3-server.ts';

const EMPTY = createHash('sha256').digest('hex');
const ATTEMPTS = 50;

/**
 * Makes a bucket on a server of plain http, by a request signed here: tests that use no SDK need one, too.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export async function makeBucket(
  { endpoint, region, accessKeyId, secretAccessKey }: Omit<S3Server, 'stop' | 'pid' | 'ca' | typeof Symbol.asyncDispose>,
  bucket: string,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
    const names = 'host;x-amz-content-sha256;x-amz-date';
    const canonical = ['PUT', `/${bucket}`, '', `host:${new URL(endpoint).host}`, `x-amz-content-sha256:${EMPTY}`, `x-amz-date:${time}`, '', names, EMPTY].join(
      '\n',
    );
    const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
    const key = scope.split('/').reduce<string | Buffer>((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${secretAccessKey}`);
    const signature = createHmac('sha256', key).update(text).digest('hex');
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    const answer = await fetch(`${endpoint}/${bucket}`, { method: 'PUT', headers: { authorization, 'x-amz-content-sha256': EMPTY, 'x-amz-date': time } });
    const body = await answer.text();
    if (answer.ok) return;
    // MinIO says that it is ready a moment before it is.
    if (answer.status !== 503 || attempt === ATTEMPTS) throw new Error(`the bucket ${bucket} could not be made: ${answer.status} ${body.slice(0, 300)}`);
    await delay(100);
  }
}
