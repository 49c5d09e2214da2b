import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../src/cli.ts';
import { type Ended, namesIn, run, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';

const folder = useFolder();
const at = (name: string): string => join(folder.path, name);
const argumentsOf = (line: string): string[] => ['certs', ...line.split(' ').filter((part) => part !== '')];
/** Within this process: starting one for each line would take most of the time. */
async function certs(line: string): Promise<Omit<Ended, 'signal'>> {
  const terminal = fakeTerminal(folder.path, (name) => import(name));
  const code = await runCli(argumentsOf(line), terminal);
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
}
const started = (line: string, env: Readonly<Record<string, string>>): Promise<Ended> => run(argumentsOf(line), { cwd: folder.path, env });
const ARN = 'arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/0a1b2c3d-1111-2222-3333-444455556666';
/** What a key's text holds that nothing else does, so that it is found wherever it leaks. */
const bodyOf = (name: string): string => readFileSync(at(name), 'utf8').split('\n')[1] ?? '';

describe('stowage-mirror certs', () => {
  it('makes an authority and a client that openssl accepts, and says what to do with them', async () => {
    const authority = await started('ca --cn my-authority --o Test', { DURATION_DAYS: '3650' });
    expect(authority).toMatchObject({ code: 0, stderr: '' });
    const client = await started('client --days 365', { CN: 'my-server', OU: 'Data', CN_OF_NOBODY: 'x' });
    expect(client).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['ca.crt', 'ca.key', 'company.pem', 'company.key']) {
      expect(statSync(at(name)).mode & 0o777, name).toBe(0o600);
      expect(authority.stdout + client.stdout).toContain(at(name));
    }
    expect(execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', at('ca.crt'), at('company.pem')], { encoding: 'utf8' })).toContain('OK');
    expect(new X509Certificate(readFileSync(at('company.pem'))).subject).toBe('OU=Data\nCN=my-server');
    expect(client.stdout).toContain('stowage-mirror certs policy --trust-anchor-arn ARN --cn my-server');

    const checked = await certs('check');
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(checked.stdout).toMatch(
      /^subject +OU=Data, CN=my-server\nissuer +O=Test, CN=my-authority\nserial number +\d+\nvalid +\S+ to \S+, 36[45] days left\nkey +ec\n/,
    );
    for (const { stdout } of [authority, client, checked])
      expect(Math.max(...stdout.split('\n').map((line) => line.replaceAll(folder.path, '').length))).toBeLessThan(80);
    // No output of these holds a key.
    for (const { stdout, stderr } of [authority, client, checked, await certs('anchor'), await certs(`policy --trust-anchor-arn ${ARN}`)])
      for (const key of ['ca.key', 'company.key']) expect(stdout + stderr).not.toContain(bodyOf(key));
  });

  it('prints settings, anchor and policy, for pipes', async () => {
    await certs('ca --cn my-authority --days 30 --key-kind rsa-2048 --folder deep/er');
    await certs('client --cn my-server --days 20 --folder deep/er');
    const { stdout } = await certs('settings --folder deep/er');
    const [, certificate = '', key = ''] = /^iam_role_cert: (\S+)\niam_role_key: (\S+)\n$/.exec(stdout) ?? [];
    expect(Buffer.from(certificate, 'base64').toString()).toBe(readFileSync(at('deep/er/company.pem'), 'utf8'));
    expect(Buffer.from(key, 'base64').toString()).toBe(readFileSync(at('deep/er/company.key'), 'utf8'));
    expect((await certs('anchor --folder deep/er')).stdout).toBe(readFileSync(at('deep/er/ca.crt'), 'utf8'));
    const policy = JSON.parse((await certs(`policy --trust-anchor-arn ${ARN} --cn my-server`)).stdout) as { Statement: { Condition: unknown }[] };
    expect(policy.Statement[0]?.Condition).toEqual({
      StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'my-server' },
      ArnEquals: { 'aws:SourceArn': ARN },
    });
    expect((await certs('check --folder deep/er')).stdout).toContain('Note: ');
  });

  it('overwrites nothing unless told to', async () => {
    await certs('ca --cn first --days 9');
    const [before, key] = [readFileSync(at('ca.crt'), 'utf8'), readFileSync(at('ca.key'), 'utf8')];
    const second = await certs('ca --cn second --days 9');
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^stowage-mirror: ".*ca\.key" is there already, and a key that is overwritten is lost for good.*\n$/);
    expect([readFileSync(at('ca.crt'), 'utf8'), readFileSync(at('ca.key'), 'utf8')]).toEqual([before, key]);
    expect((await certs('ca --cn second --days 9 --force')).code).toBe(0);
    expect(new X509Certificate(readFileSync(at('ca.crt'))).subject).toBe('CN=second');
    expect(statSync(at('ca.key')).mode & 0o777).toBe(0o600);
    expect(namesIn(folder.path)).toEqual(new Set(['ca.crt', 'ca.key']));
  });

  it.each([
    ['nothing to do', '', 2, /^Usage: stowage-mirror certs/],
    ['an unknown command', 'make', 2, /unknown command 'make'/],
    ['no name', 'ca --days 3', 2, /CN is missing/],
    ['no end', 'ca --cn name', 2, /DURATION_DAYS is missing/],
    ['an end that is none', 'ca --cn name --days forever', 2, /DURATION_DAYS: expected a whole number from 1 to 36500, got "forever"/],
    ['a name with quotes', 'ca --cn na"me --days 3', 2, /CN: expected 2 to 64 of/],
    ['a key that is weak', 'ca --cn name --days 3 --key-kind rsa-1024', 2, /Allowed choices are ec, rsa-2048/],
    [
      'a client without an authority',
      'client --cn name --days 3 --folder none',
      1,
      /expected the certificate of an authority; make one with "certs ca" in ".*none\/ca\.crt"; there is no such file/,
    ],
    ['a client that outlives its authority', 'client --cn name --days 30', 1, /after its authority's/],
    ['a pair that is missing', 'check --folder none', 1, /expected the client's certificate in ".*none\/company\.pem"; there is no such file/],
    [
      'a certificate and a key swapped',
      'check --cert company.key --key company.pem',
      1,
      /company\.key": expected a certificate, got a private key; are certificate and key swapped\?/,
    ],
    ['a key of another certificate', 'check --key ca.key', 1, /this is not the key of the certificate/],
    ["the authority in the client's place", 'check --cert ca.crt --key ca.key', 1, /this is the certificate of an authority/],
    ['a certificate of another authority', 'check --ca other/ca.crt', 1, /was not signed by the authority CN=other/],
    ["the client in the authority's place", 'anchor --ca company.pem', 1, /this is a client's certificate; expected the authority's/],
    ['an ARN that is none', 'policy --trust-anchor-arn role', 2, /trust_anchor_arn: expected an ARN such as/],
    ['no ARN', 'policy', 2, /required option '--trust-anchor-arn <arn>' not specified/],
    ['a folder that is a file', 'ca --cn name --days 3 --folder company.pem', 1, /is a file; expected a folder|cannot write/],
  ])('bad input: %s', async (_, line, code, message) => {
    await certs('ca --cn my-authority --days 9');
    await certs('client --cn my-server --days 8');
    await certs('ca --cn other --days 9 --folder other');
    const before = namesIn(folder.path);
    const ended = await certs(line);
    expect(ended.stderr).toMatch(message);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).not.toMatch(/\n\s+at |\.ts\b|node_modules/);
    for (const key of ['ca.key', 'company.key']) expect(ended.stderr).not.toContain(bodyOf(key));
    expect(namesIn(folder.path)).toEqual(before);
  });

  it('needs the package of S3, and says so', async () => {
    const terminal = fakeTerminal(folder.path, (name) =>
      Promise.reject(Object.assign(new Error(`Cannot find package '${name}' imported from main.js`), { code: 'ERR_MODULE_NOT_FOUND' })),
    );
    expect(await runCli(['certs', 'ca', '--cn', 'name', '--days', '3'], terminal)).toBe(2);
    expect(terminal.stderr.text).toBe(
      'stowage-mirror: the maker of certificates is not installed: run "npm install @stowage/minio" where stowage-mirror is installed (with --global if it is so itself)\n',
    );
    const old = fakeTerminal(folder.path, () => Promise.resolve({ minio: {} }));
    expect(await runCli(['certs', 'check'], old)).toBe(2);
    expect(old.stderr.text).toContain('the package @stowage/minio makes no certificates: its version does not fit');
    expect(namesIn(folder.path)).toEqual(new Set());
  });
});
