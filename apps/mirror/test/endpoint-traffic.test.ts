import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { ATTEMPT_CHANNEL } from '@stowage/core';
import { faultServer } from '@stowage/test-servers';
import { expect, it } from 'vitest';
import { Configuration } from '../src/configuration.ts';
import { serveMetrics } from '../src/metrics-server.ts';
import { useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';

const folder = useFolder();

async function nextAttempt(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const heard = (): void => resolve();
  subscribe(ATTEMPT_CHANNEL, heard);
  await promise;
  unsubscribe(ATTEMPT_CHANNEL, heard);
}

it('an endpoint that asks to wait is asked nothing meanwhile, by whichever bucket and for whatever', async () => {
  const times: number[] = [];
  await using store = await faultServer((_incoming, answer) => {
    times.push(performance.now());
    if (times.length === 1) answer.writeHead(503, { 'retry-after': '2' }).end();
    else answer.writeHead(200, { etag: '"1"', 'content-length': '0', 'last-modified': new Date(0).toUTCString() }).end();
    return true;
  });
  const entry = (bucket: string): string =>
    `${bucket}:\n  provider: minio\n  endpoint: ${store.endpoint}\n  access_key: k\n  secret_key: s\n  buckets: [${bucket}]\n`;
  writeFileSync(join(folder.path, 'links.yml'), entry('first') + entry('second'));
  const configuration = new Configuration(
    { config: 'links.yml', detail: 'quiet' },
    {},
    fakeTerminal(folder.path, (name) => import(name)),
  );
  await using storages = await configuration.storagesOf('minio');
  const [first, second] = [storages.bucket('s3://first'), storages.bucket('s3://second')];

  const answered = nextAttempt();
  const refused = first.head('a');
  await answered;
  // The event comes from beneath the layers, which hear of it in this turn.
  await turn();
  const given = new AbortController();
  const reason = new Error('no longer wanted');
  const aborted = second.head('b', { signal: given.signal });
  const others = [second.head('c'), first.delete('d'), second.put('e', 'content'), second.get('f')];
  given.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  await delay(1500);
  expect(store.seen).toHaveLength(1);
  expect(configuration.traffic.loads()).toEqual([{ endpoint: new URL(store.endpoint).host, inFlight: 0, throttled: 1 }]);
  await refused;
  await Promise.allSettled(others);
  expect(store.seen.length).toBeGreaterThanOrEqual(5);
  expect(store.seen.join(' ')).not.toContain('/second/b');
  // Timers may be a millisecond early.
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1990);
});

it('metrics tell of each endpoint', async () => {
  const standing = {
    phase: 'copying',
    elapsedMs: 0,
    compared: 0,
    listed: true,
    toDo: { objects: 0, bytes: 0 },
    done: { objects: 0, bytes: 0 },
    inFlight: 0,
    concurrency: 1,
    throttled: 3,
    failed: 0,
    conflicts: 0,
    deletions: { done: 0, toDo: 0 },
    endpoints: [{ endpoint: '127.0.0.1:9000', inFlight: 12, throttled: 3 }],
  } as const;
  const metrics = await serveMetrics(0, () => standing);
  try {
    const text = await (await fetch(metrics.url)).text();
    expect(text).toContain('stowage_mirror_endpoint_in_flight_requests{endpoint="127.0.0.1:9000"} 12\n');
    expect(text).toContain('stowage_mirror_endpoint_throttled_requests{endpoint="127.0.0.1:9000"} 3\n');
  } finally {
    metrics.close();
  }
});
