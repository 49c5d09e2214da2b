/**
 * Google Cloud Storage: the built package beside `rclone copy` and `rclone size`, in one run, on the strict server of the tests (in
 * memory, core 0; clients on core 1).
 *
 *   node bench/google-transfer.ts [small|large|list …]
 *
 * Both check what they send: Stowage a CRC32C that the server compares, rclone an MD5 that it compares with the answer's. Down, Stowage
 * compares the CRC32C and rclone the MD5. rclone is got as in peers.ts; LISTED is another number of keys.
 */
import { join } from 'node:path';
import { startStrictGcs } from '@stowage/test-servers';
import { benchStore } from './bucket-transfer.ts';

await using server = await startStrictGcs({ open: true });
const { endpoint } = server;
await fetch(`${endpoint}/storage/v1/b?project=bench`, { method: 'POST', body: JSON.stringify({ name: 'bench' }) });
await benchStore({
  name: '@stowage/google',
  serverPid: server.pid,
  client: { words: [join(import.meta.dirname, 'google-client.mjs'), endpoint, 'bench'] },
  rclone: { remote: `:gcs,anonymous,no_check_bucket,bucket_policy_only,endpoint="${endpoint}/storage/v1/":bench` },
  async put(name) {
    const response = await fetch(`${endpoint}/upload/storage/v1/b/bench/o?uploadType=media&name=${encodeURIComponent(name)}`, { method: 'POST', body: 'x' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    await response.arrayBuffer();
  },
});
