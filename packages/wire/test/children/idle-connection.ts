import { HttpPool } from '@stowage/wire';

/** Reads an answer whole, leaves its connection idle and the pool open, and has nothing else to do. */
const pool = new HttpPool(process.argv[2] as string, { connections: 2, connectTimeoutMs: 60_000, answerTimeoutMs: 60_000, silenceMs: 60_000 });
const { body } = await pool.send({ method: 'GET', path: '/', headers: {} });
process.stdout.write(await body.bytes());
