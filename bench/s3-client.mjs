/**
 * One piece of work against an S3 server by the built packages, in a process of its own, so that its memory and its CPU time are its own.
 *
 *   node bench/s3-client.mjs <endpoint> <bucket> <work> [arguments]
 *
 * Keys are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Prints one line of JSON: what was done, and the highest resident size.
 */
import { openBucket, retryLayer } from '@stowage/core';
import { minioDriver } from '@stowage/minio';
import { doWork } from './object-works.mjs';

const [endpoint = '', name = '', work = '', ...rest] = process.argv.slice(2);
const credentials = { accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '' };
await doWork(openBucket(minioDriver({ endpoint, credentials, store: 'minio' }, name), { layers: [retryLayer()] }), work, ...rest);
