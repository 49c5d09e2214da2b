/**
 * Makes every call of a driver fail, through both transports, with keys that the environment gives; says how many did. What else
 * comes out, under whatever debugging the parent has turned on, is for the parent to search.
 */
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { isStorageError, openBucket } from '@stowage/core';
import { minioDriver } from '../../src/minio-driver.ts';
import { minio } from '../../src/minio-provider.ts';
import { driverCalls } from '../driver-calls.ts';

const { ENDPOINT: endpoint = '', ACCESS: accessKeyId = '', SECRET: secretAccessKey = '', TOKEN: sessionToken = '' } = process.env;
let failed = 0;
let events = 0;
const say = (...texts: readonly string[]): void => void process.stdout.write(`${texts.join(' ')}\n`);
const show = (what: unknown): void => say(inspect(what, { depth: Infinity, showHidden: true, getters: true }), JSON.stringify(what) ?? '');
subscribe('stowage:attempt', (event) => {
  events++;
  show(event);
});

for (const transport of ['lean', 'sdk'] as const) {
  const options = { endpoint, region: 'us-east-1', transport, credentials: { accessKeyId, secretAccessKey, sessionToken } };
  const bucket = openBucket(minioDriver(options, 'bucket'));
  show(bucket);
  for (const [name, call] of Object.entries(driverCalls(bucket.driver))) {
    try {
      await call();
    } catch (error) {
      if (!isStorageError(error)) throw error;
      failed++;
      say(name, error.stack ?? '', String(error));
      show(error);
      show(error.cause);
    }
  }
  show(await minio.diagnose?.(options, 'bucket', {}));
  const entry = { provider: 'minio', endpoint, access_key: accessKeyId, secret_key: secretAccessKey, session_token: sessionToken, sign_in: 'nothing' };
  try {
    minio.parseConfig(entry);
  } catch (error) {
    show(error);
  }
  await bucket.close();
}
say(`failed: ${failed}, events: ${events}`);
