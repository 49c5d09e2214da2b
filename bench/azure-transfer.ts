/**
 * Azure Blob Storage: the built package beside `rclone copy` and `rclone size`, in one run, on Azurite (content on disk, core 0; clients
 * on core 1). Azurite is slower than either client: what tells them apart is the CPU of the client, not the wall.
 *
 *   node bench/azure-transfer.ts [small|large|list …]
 *
 * rclone sends an MD5 with what goes up; Stowage sends none unless it is given one. Down, both compare the MD5 that the service keeps
 * of blobs written in one request. rclone is got as in peers.ts (1.60 of Debian cannot speak to an emulator); LISTED is another number
 * of keys. azcopy is not measured: the Go module proxy refuses it, and Microsoft gives binaries on its own servers alone.
 */
import { join } from 'node:path';
import { azureDriver } from '@stowage/azure';
import { openBucket } from '@stowage/core';
import { startAzurite } from '@stowage/test-servers';
import { benchStore } from './bucket-transfer.ts';

const CONTAINER = 'bench';

await using server = await startAzurite({ disk: true });
const { endpoint } = server;
const { name: account, key } = server.account;
const bucket = openBucket(azureDriver({ endpoint, signIn: { kind: 'account-key', account, key } }, CONTAINER));
await ((await bucket.native()) as { create(): Promise<unknown> }).create();
try {
  await benchStore({
    name: '@stowage/azure',
    serverPid: server.pid,
    client: { variables: `BENCH_ACCOUNT_KEY=${key}`, words: [join(import.meta.dirname, 'azure-client.mjs'), endpoint, account, CONTAINER] },
    rclone: {
      variables: `RCLONE_AZUREBLOB_ACCOUNT=${account} RCLONE_AZUREBLOB_KEY=${key} RCLONE_AZUREBLOB_ENDPOINT=${endpoint} RCLONE_AZUREBLOB_NO_CHECK_CONTAINER=true`,
      remote: `:azureblob:${CONTAINER}`,
    },
    put: (name) => bucket.put(name, 'x'),
  });
} finally {
  await bucket.close();
}
