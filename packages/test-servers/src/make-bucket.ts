import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { S3Server } from './s3-server.ts';

/**
 * Makes a bucket of a server that speaks plain http: one request signed by Signature Version 4, so that a test needs no client for it
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
 */
export async function makeBucket(server: S3Server, bucket: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { status, said } = await put(server, bucket);
    if (status === 200) return;
    // MinIO says that it is ready a moment before it is.
    if (status !== 503 || attempt === 100) throw new Error(`making the bucket ${bucket}: ${status} ${said}`);
    await delay(100);
  }
}

async function put(
  { endpoint, region, accessKeyId, secretAccessKey }: S3Server,
  bucket: string,
): Promise<{ readonly status: number | undefined; readonly said: string }> {
  const { host } = new URL(endpoint);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const sent = { host, 'x-amz-content-sha256': sha256(''), 'x-amz-date': time };
  const names = Object.keys(sent).join(';');
  const lines = Object.entries(sent).map(([name, value]) => `${name}:${value}\n`);
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(['PUT', `/${bucket}`, '', lines.join(''), names, sha256('')].join('\n'))].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${hmac(key, text).toString('hex')}`;
  return new Promise((resolve, reject) => {
    request(`${endpoint}/${bucket}`, { method: 'PUT', headers: { ...sent, authorization } }, (answer) => {
      let said = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, said }));
    })
      .once('error', reject)
      .end();
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
