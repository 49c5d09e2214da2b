/**
 * Uploads one blob in blocks, in a process that may be killed at any time, and goes on where the one before it ended.
 *
 *   node uploader.ts <endpoint> <container> <file with the upload's reference>
 *
 * Prints the indexes of the parts that it sent.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { openBucket, retryLayer, type UploadedPart, type UploadRef } from '@stowage/core';
import { inParallel } from '@stowage/wire';
import { azureDriver } from '../../src/azure-driver.ts';
import { KEY, LANES, PARTS, partContent } from './upload-content.ts';

const [endpoint = '', container = '', refFile = ''] = process.argv.slice(2);
const signIn = { kind: 'account-key' as const, account: process.env['ACCOUNT'] ?? '', key: process.env['ACCOUNT_KEY'] ?? '' };
const bucket = openBucket(azureDriver({ endpoint, signIn }, container), { layers: [retryLayer()] });
const upload = existsSync(refFile)
  ? await bucket.resumeUpload(JSON.parse(readFileSync(refFile, 'utf8')) as UploadRef)
  : await bucket.upload(KEY, { contentType: 'video/x-test', metadata: { made: 'in blocks' } });
// The reference is there before the first part is, whole or not at all.
writeFileSync(`${refFile}.new`, JSON.stringify(upload.ref));
renameSync(`${refFile}.new`, refFile);
const held = await upload.parts();
const missing = Array.from({ length: PARTS }, (_, i) => i).filter((index) => held.every((part) => part.index !== index));
const sent: UploadedPart[] = await inParallel(missing, LANES, (index) => upload.part(index, partContent(index)));
await upload.complete([...held, ...sent]);
await bucket.close();
process.stdout.write(JSON.stringify(missing));
