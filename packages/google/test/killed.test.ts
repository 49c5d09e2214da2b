import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openBucket } from '@stowage/core';
import { serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, expect, it, test } from 'vitest';
import { googleDriver } from '../src/google-driver.ts';
import { makeBucket } from './strict-server.ts';
import { partOf, PARTS } from './uploaded-parts.ts';

const { server, missing } = await serverOrReason(() => startStrictGcs({ open: true }));

interface Run {
  readonly ref: string;
  readonly sending: readonly number[];
  readonly sent: readonly number[];
  readonly done: boolean;
}

/** Runs the child; kills it with SIGKILL where `until` says so. */
async function run(endpoint: string, ref: string, until: (sent: number) => boolean): Promise<Run> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@stowage/source', fileURLToPath(new URL('./children/uploading.ts', import.meta.url)), endpoint, ref],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const seen = { ref: '', sending: [] as number[], sent: [] as number[], done: false };
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const [word, rest] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
    if (word === 'ref') seen.ref = rest;
    if (word === 'sending') seen.sending.push(Number(rest));
    if (word === 'sent') seen.sent.push(Number(rest));
    if (word === 'done') seen.done = true;
    if (word === 'sent' && until(seen.sent.length)) child.kill('SIGKILL');
  }
  await ended;
  return seen;
}

if (server === undefined) test('an upload whose process is killed', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);

  it('goes on in another process after kill -9, and sends again at most the parts that were in flight', async () => {
    await makeBucket(server.endpoint, 'killed');
    const first = await run(server.endpoint, 'new', (sent) => sent === 11);
    expect(first.done).toBe(false);
    await using bucket = openBucket(googleDriver({ endpoint: server.endpoint, credentials: 'anonymous' }, 'killed'));
    expect(await bucket.exists('video.mp4')).toBe(false);
    const [left] = await Array.fromAsync(bucket.listUploads());
    expect(left).toEqual(JSON.parse(first.ref));
    const second = await run(server.endpoint, JSON.stringify(left), (sent) => sent === 9);
    const third = await run(server.endpoint, JSON.stringify(left), () => false);
    expect(third.done).toBe(true);
    // Four lanes: of each killed process at most four parts were on their way.
    const total = first.sending.length + second.sending.length + third.sending.length;
    expect(total).toBeGreaterThanOrEqual(PARTS);
    expect(total).toBeLessThanOrEqual(PARTS + 8);
    for (const index of first.sent) expect(second.sending).not.toContain(index);
    const object = await bucket.get('video.mp4');
    expect(object.info.headers).toMatchObject({ contentType: 'video/mp4', metadata: { from: 'child' } });
    expect(Buffer.from(await object.bytes()).equals(Buffer.concat(Array.from({ length: PARTS }, (_, index) => partOf(index))))).toBe(true);
    expect(await Array.fromAsync(bucket.listUploads())).toEqual([]);
    // Nothing of the upload stays: the listing by the API itself has one object.
    const listed = (await (await fetch(`${server.endpoint}/storage/v1/b/killed/o`)).json()) as { items: { name: string }[] };
    expect(listed.items.map(({ name }) => name)).toEqual(['video.mp4']);
  }, 60_000);
}
