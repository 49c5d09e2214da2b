/** Fetches the URL of its argument through a guard that allows its host, in an environment of the test's making. */
import { guardedClient } from '@stowage/http/guarded-fetch';

const [, , url = ''] = process.argv;
const client = guardedClient({ allowHosts: [new URL(url).host] });
const { body } = await client.fetch(url);
process.stdout.write(await body.bytes());
await client.close();
