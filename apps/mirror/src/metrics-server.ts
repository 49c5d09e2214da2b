import { CommandError } from '@stowage/terminal';
import { createServer } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import type { EndpointLoad, Standing } from './endpoint-traffic.ts';

/** Name, meaning and value of each metric. Bytes and objects count up; the others go up and down. */
const METRICS: readonly (readonly [name: string, help: string, value: (snapshot: Standing) => number])[] = [
  ['compared_keys', 'Keys that have been compared', (s) => s.compared],
  ['copy_objects', 'Objects to copy that are known so far', (s) => s.toDo.objects],
  ['copy_bytes', 'Bytes to copy that are known so far', (s) => s.toDo.bytes],
  ['copied_objects', 'Objects that were copied', (s) => s.done.objects],
  ['copied_bytes', 'Bytes that were copied, of objects in flight as well', (s) => s.done.bytes],
  ['in_flight_objects', 'Objects that are being copied', (s) => s.inFlight],
  ['concurrency', 'Copies that may be in flight', (s) => s.concurrency],
  ['throttled_requests', 'Requests that a store has asked to slow down at', (s) => s.throttled],
  ['failed_objects', 'Objects that failed', (s) => s.failed],
  ['conflicts', 'Keys in conflict', (s) => s.conflicts],
  ['deletions_done', 'Objects that were deleted', (s) => s.deletions.done],
  ['elapsed_seconds', 'Seconds since the run began', (s) => s.elapsedMs / 1000],
];

/** The same of each endpoint. */
const ENDPOINT_METRICS: readonly (readonly [name: string, help: string, value: (load: EndpointLoad) => number])[] = [
  ['endpoint_in_flight_requests', 'Requests of an endpoint that have begun and not ended', (load) => load.inFlight],
  ['endpoint_throttled_requests', 'Requests that an endpoint has asked to slow down at', (load) => load.throttled],
];

/** Serves metrics of a run on the loopback until it is closed. Port 0: a free one. Throws `CommandError` where the port is in use. */
export async function serveMetrics(port: number, snapshot: () => Standing | undefined): Promise<{ readonly url: string; close(): void }> {
  const registry = new Registry();
  for (const [name, help, value] of METRICS) {
    const collect = function collect(this: Gauge): void {
      const now = snapshot();
      if (now !== undefined) this.set(value(now));
    };
    registry.registerMetric(new Gauge({ name: `stowage_mirror_${name}`, help, registers: [], collect }));
  }
  for (const [name, help, value] of ENDPOINT_METRICS) {
    const collect = function collect(this: Gauge<'endpoint'>): void {
      for (const load of snapshot()?.endpoints ?? []) this.set({ endpoint: load.endpoint }, value(load));
    };
    registry.registerMetric(new Gauge({ name: `stowage_mirror_${name}`, help, labelNames: ['endpoint'], registers: [], collect }));
  }
  const server = createServer((request, answer) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      answer.writeHead(404, { 'content-type': 'text/plain' }).end('There are metrics at /metrics.\n');
      return;
    }
    registry.metrics().then(
      (text) => answer.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => answer.writeHead(500, { 'content-type': 'text/plain' }).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new CommandError(`--metrics-port: 127.0.0.1:${port} cannot be listened on (${error.code ?? error.message}); name another port`)),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  // It must not keep a run alive that has ended.
  server.unref();
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${actual}/metrics`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
