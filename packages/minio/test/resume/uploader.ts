/**
 * Uploads one object in parts, in a process that may be killed at any time, and goes on where the one before it ended.
 *
 *   node uploader.ts <endpoint> <bucket> <transport> <file with the upload's reference>
 *
 * Prints the indexes of the parts that it sent.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { openBucket, retryLayer, type UploadedPart, type UploadRef } from '@stowage/core';
import { inParallel } from '@stowage/wire';
import { minioDriver } from '../../src/minio-driver.ts';
import { KEY, LANES, PARTS, partContent } from './content.ts';

const [endpoint = '', name = '', transport, refFile = ''] = process.argv.slice(2);
const credentials = { accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '' };
const bucket = openBucket(minioDriver({ endpoint, credentials, store: 'minio', transport: transport === 'sdk' ? 'sdk' : 'lean' }, name), {
  layers: [retryLayer()],
});
const upload = existsSync(refFile)
  ? await bucket.resumeUpload(JSON.parse(readFileSync(refFile, 'utf8')) as UploadRef)
  : await bucket.upload(KEY, { contentType: 'video/x-test', metadata: { made: 'in parts' } });
// The reference is there before the first part is, whole or not at all.
writeFileSync(`${refFile}.new`, JSON.stringify(upload.ref));
renameSync(`${refFile}.new`, refFile);
const held = await upload.parts();
const missing = Array.from({ length: PARTS }, (_, i) => i).filter((index) => held.every((part) => part.index !== index));
const sent: UploadedPart[] = await inParallel(missing, LANES, (index) => upload.part(index, partContent(index)));
await upload.complete([...held, ...sent]);
await bucket.close();
process.stdout.write(JSON.stringify(missing));
