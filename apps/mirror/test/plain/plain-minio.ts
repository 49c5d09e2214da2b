import type { S3Server } from '@stowage/test-servers';
import { contentsOf, getObject, makeBucket, putObject } from '../plain-s3.ts';
import { headersOfAnswer, type PlainHeaders, type PlainStore } from './plain-store.ts';

/** MinIO keeps segments as names of files: it drops a leading slash, merges or refuses double ones, and holds no object below another. */
function minioHolds(key: string): boolean {
  return Buffer.byteLength(key) <= 1024 && !key.startsWith('/') && !key.includes('//') && key.split('/').every((segment) => Buffer.byteLength(segment) <= 255);
}

let buckets = 0;

export function plainMinio(server: S3Server): PlainStore {
  return {
    name: 'S3',
    async make() {
      const name = `between-${process.pid}-${++buckets}`;
      await makeBucket(server, name);
      return name;
    },
    link: (bucket) => `s3://${bucket}`,
    entry: (all) =>
      `minio:\n  provider: minio\n  store: minio\n  endpoint: ${server.endpoint}\n  access_key: ${server.accessKeyId}\n  secret_key: ${server.secretAccessKey}\n  buckets: [${all.join(', ')}]\n`,
    put: (bucket, key, content, headers = {}) => putObject(server, bucket, key, content, objectHeaders(headers)),
    contents: (bucket) => contentsOf(server, bucket),
    headers: async (bucket, key) => headersOfAnswer((await getObject(server, bucket, key)).headers, 'x-amz-meta-'),
    holds: minioHolds,
    nested: false,
  };
}

function objectHeaders({ metadata = {}, ...headers }: PlainHeaders): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value])),
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  };
}
