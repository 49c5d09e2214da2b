/**
 * One piece of work against a storage account, by the built packages, in a process of its own.
 *
 *   BENCH_ACCOUNT_KEY=… node bench/azure-client.mjs <endpoint> <account> <container> <work> [arguments]
 *
 * Prints one line of JSON: what was done, and the highest resident size.
 */
import { azureDriver } from '@stowage/azure';
import { openBucket, retryLayer } from '@stowage/core';
import { doWork } from './object-works.mjs';

const [endpoint = '', account = '', container = '', work = '', ...rest] = process.argv.slice(2);
const signIn = { kind: 'account-key', account, key: process.env['BENCH_ACCOUNT_KEY'] ?? '' };
await doWork(openBucket(azureDriver({ endpoint, signIn }, container), { layers: [retryLayer()] }), work, ...rest);
