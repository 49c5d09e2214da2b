import { HttpPool } from '@stowage/wire';

/** Sends a secret in every part of a request, without content, with a little and with much of it. */
const pool = new HttpPool(process.argv[2] as string, {
  connections: 1,
  connectTimeoutMs: 60_000,
  answerTimeoutMs: 60_000,
  silenceMs: 60_000,
  ca: process.env['CA'] as string,
});
let answers = 0;
for (const content of ['', 'canary', 'canary'.repeat(100_000)]) {
  const body = content === '' ? {} : { body: Buffer.from(content) };
  const answer = await pool.send({ method: 'PUT', path: '/?sig=canary', headers: { authorization: 'AWS4-HMAC-SHA256 canary' }, ...body });
  if ((await answer.body.bytes()).toString().startsWith('canary')) answers++;
}
await pool.close();
process.stdout.write(`${answers} answers\n`);
