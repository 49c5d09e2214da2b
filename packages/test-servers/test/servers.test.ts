import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type LocalAuthority, localAuthority, startAzurite, startFakeGcs, startMinio, startPostgres, startStrictGcs, startVersitygw } from '../src/index.ts';
import { serverOrReason } from '../src/missing-server.ts';

const BUILD_MS = 20 * 60_000;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

type Start = () => Promise<{ readonly pid: number; stop(): Promise<void> }>;

/** With a certificate of an authority that is gone when the server has it. */
function overTls(start: (authority: LocalAuthority) => ReturnType<Start>): Start {
  return async () => {
    await using authority = await localAuthority();
    return await start(authority);
  };
}

it.each<[string, Start]>([
  ['minio', startMinio],
  ['fake-gcs-server', startFakeGcs],
  ['strict-gcs', startStrictGcs],
  ['minio over TLS', overTls((authority) => startMinio({ authority }))],
  ['versitygw', () => startVersitygw()],
  ['postgres', () => startPostgres()],
  ['postgres over TLS', overTls((authority) => startPostgres({ authority }))],
  ['azurite', () => startAzurite()],
  ['azurite over TLS, with tokens', overTls((authority) => startAzurite({ authority }))],
])('%s answers while it runs and is gone when it was stopped', { timeout: BUILD_MS }, async (_name, start) => {
  const { server, missing } = await serverOrReason(start);
  if (server === undefined) return expect(missing).not.toBe('');
  expect(alive(server.pid)).toBe(true);
  await server.stop();
  expect(alive(server.pid)).toBe(false);
});

it('a server goes with a test that is killed', { timeout: BUILD_MS }, async () => {
  const { server, missing } = await serverOrReason(() => startVersitygw());
  if (server === undefined) return expect(missing).not.toBe('');
  await server.stop();
  const script = `import { startVersitygw } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}; console.log((await startVersitygw()).pid); setInterval(() => {}, 1000);`;
  const test = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(test.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  expect(alive(pid)).toBe(true);
  test.kill('SIGKILL');
  for (let waited = 0; waited < 10_000 && alive(pid); waited += 50) await sleep(50);
  expect(alive(pid)).toBe(false);
});

it('what cannot be had is a reason, and in CI a failure', async () => {
  const before = process.env['CI'];
  const broken = (): Promise<never> => Promise.reject(new Error('Go is not installed'));
  try {
    delete process.env['CI'];
    expect(await serverOrReason(broken)).toEqual({ missing: 'Go is not installed' });
    process.env['CI'] = 'true';
    await expect(serverOrReason(broken)).rejects.toThrow('Go is not installed');
  } finally {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  }
});
