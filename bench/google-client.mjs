/**
 * One piece of work against a Google Cloud Storage server that asks for no sign-in, by the built packages, in a process of its own.
 *
 *   node bench/google-client.mjs <endpoint> <bucket> <work> [arguments]
 *
 * Prints one line of JSON: what was done, and the highest resident size.
 */
import { openBucket, retryLayer } from '@stowage/core';
import { googleDriver } from '@stowage/google';
import { doWork } from './object-works.mjs';

const [endpoint = '', name = '', work = '', ...rest] = process.argv.slice(2);
await doWork(openBucket(googleDriver({ endpoint, credentials: 'anonymous' }, name), { layers: [retryLayer()] }), work, ...rest);
