import { faultServer, type FaultServer } from '@stowage/test-servers';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../src/cli.ts';
import { eventsOf, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';

const folder = useFolder();
let server: FaultServer;
beforeAll(async () => {
  server = await faultServer((incoming, answer) => {
    const path = incoming.url?.replace(/[?].*/, '');
    if (path === '/truck.jpg') answer.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': 7, etag: '"1"' });
    else answer.writeHead(path === '/kept' ? 403 : 404, { 'content-length': 0 });
    answer.end(path === '/truck.jpg' && incoming.method === 'GET' ? 'a truck' : undefined);
    return true;
  });
});
afterAll(() => server[Symbol.asyncDispose]());

async function doctor(allowed: boolean, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const entry = allowed ? `web:\n  provider: http\n  allow_hosts: ["${server.endpoint.slice('http://'.length)}"]\n` : '{}\n';
  writeFileSync(join(folder.path, 'remote_links.yml'), entry);
  const terminal = fakeTerminal(folder.path, (name) => import(name));
  const code = await runCli(['doctor', ...args], terminal);
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
}

it('a public link that is there is healthy; what may be a signature is not shown', async () => {
  const { code, stdout, stderr } = await doctor(true, `${server.endpoint}/truck.jpg?sig=canary`);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`${server.endpoint}/truck.jpg at ${server.endpoint}\n`);
  expect(stdout).toMatch(/^read +granted$/m);
  expect(stdout).toMatch(/^size +7 bytes$/m);
  expect(stdout).toMatch(/\nHealthy\.\n$/);
  expect(stdout).not.toContain('canary');
});

it.each([
  ['one that is denied', 'kept', true, 'AccessDenied', /./],
  ['one that is not there', 'nothing', true, 'NotFound', /./],
  ['one of this machine, which nobody allowed', 'truck.jpg', false, 'AccessDenied', /allow/],
])('%s is told, with what to do', async (_, name, allowed, errorCode, message) => {
  const { code, stdout } = await doctor(allowed, `${server.endpoint}/${name}?sig=canary`, '--json');
  expect(eventsOf(stdout)).toMatchObject([
    { event: 'diagnosis', provider: 'http', healthy: false, exitCode: 4, problem: { code: errorCode, message: expect.stringMatching(message) }, missing: [] },
  ]);
  expect(stdout).not.toContain('canary');
  expect(code).toBe(4);
});
