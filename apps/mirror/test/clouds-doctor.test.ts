import { serverOrReason, startAzurite, startStrictGcs } from '@stowage/test-servers';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { eventsOf, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { accountSas, plainAzure } from './plain/plain-azure.ts';
import { plainGcs } from './plain/plain-gcs.ts';
import { sha256Of } from './plain-s3.ts';

const started = await serverOrReason(async () => ({ azurite: await startAzurite(), gcs: await startStrictGcs() }));
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

if (started.server === undefined) test('stowage-mirror doctor on Azure and Google', ({ skip }) => skip(started.missing));
else {
  const { azurite, gcs } = started.server;
  afterAll(async () => {
    for (const server of [azurite, gcs]) await server.stop();
  }, 60_000);
  const azure = plainAzure(azurite);
  const google = plainGcs({ endpoint: gcs.endpoint, credentials: gcs.owner.credentials, fields: [] });
  let boats: string;
  let planes: string;
  beforeAll(async () => {
    [boats, planes] = [await azure.make(), await google.make()];
    await azure.put(boats, 'a', '1');
    await google.put(planes, 'a', '1');
  });
  beforeEach(() => {
    for (const account of ['owner', 'reader'] as const) writeFileSync(at(`${account}.json`), gcs[account].credentials);
  });

  const onAzure = (secret: string, containers: string): string =>
    `boats:\n  provider: azure\n  endpoint: ${azurite.endpoint}\n  access_key: ${azurite.account.name}\n  secret_key: ${JSON.stringify(secret)}\n  buckets: [${containers}]\n`;
  const onGoogle = (file: string, buckets: string): string =>
    `planes:\n  provider: google\n  endpoint: ${gcs.endpoint}\n  credentials_path: ${file}\n  token_endpoint: ${gcs.endpoint}/token\n  buckets: [${buckets}]\n`;
  const doctor = async (configuration: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    writeFileSync(at('remote_links.yml'), configuration);
    const terminal = fakeTerminal(folder.path, (name) => import(name));
    const code = await runCli(['doctor', ...args], terminal);
    return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
  };

  describe('on Azure', () => {
    it('says that all is well by an account key, and leaves nothing behind', async () => {
      const { code, stdout, stderr } = await doctor(onAzure(azurite.account.key, boats), `azure://${boats}`);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain(
        `azure://${boats} at ${azurite.origin}\n\nlist          granted\nread          granted\nwrite         granted\ndelete        granted\n`,
      );
      expect(stdout).toContain('sign-in       account-key\n');
      expect(stdout).toMatch(/\nHealthy\.\n$/);
      expect(await azure.contents(boats)).toEqual({ a: sha256Of('1') });
    });

    it.each([
      ['l', 'list', 'l (list)'],
      ['r', 'read', 'r (read)'],
      ['w', 'write', 'w (write)'],
      ['d', 'delete', 'd (delete)'],
    ])('names the letter "%s" where a SAS lacks it, and the letters to ask for', async (letter, permission, words) => {
      const letters = 'rwdl';
      const sas = `?${accountSas(azurite, { letters: letters.replace(letter, '') })}`;
      const { code, stdout, stderr } = await doctor(onAzure(sas, boats), `azure://${boats}`);
      expect([code, stderr]).toEqual([4, '']);
      expect(stdout).toMatch(new RegExp(`^${permission.padEnd(14)}DENIED: `, 'm'));
      expect(stdout).toContain(`To ask for:\n  ${words}\n`);
      expect(stdout).toContain(`with sp=${letters}`);
      for (const other of ['list', 'read', 'write', 'delete'].filter((one) => one !== permission))
        expect(stdout, other).not.toMatch(new RegExp(`^${other} +DENIED`, 'm'));
      expect(stdout).not.toContain('sig=');
      expect(await azure.contents(boats)).toEqual({ a: sha256Of('1') });
    });

    it('tells a container that is missing, and a SAS that ends soon', async () => {
      const missing = await doctor(onAzure(azurite.account.key, 'not-there'), 'azure://not-there', '--json');
      expect(missing.code).toBe(4);
      expect(eventsOf(missing.stdout)).toMatchObject([{ event: 'diagnosis', healthy: false, problem: { code: 'BucketNotFound' }, missing: [] }]);
      const end = new Date(Date.now() + 3_600_000);
      const soon = await doctor(onAzure(`?${accountSas(azurite, { letters: 'rwdl', end })}`, boats), `azure://${boats}`);
      expect(soon.code).toBe(0);
      expect(soon.stdout.replace(/\n +/g, ' ')).toContain(`Note: the SAS ends on ${end.toISOString().slice(0, 19)}`);
    });
  });

  describe('on Google', () => {
    it('says that all is well for an owner, by each of its schemes', async () => {
      for (const scheme of ['google', 'gs', 'gcs']) {
        const { code, stdout, stderr } = await doctor(onGoogle('owner.json', planes), `${scheme}://${planes}`);
        expect([code, stderr]).toEqual([0, '']);
        expect(stdout).toMatch(/^list +granted\nread +granted\nwrite +granted\ndelete +granted\n/m);
        expect(stdout).toMatch(/\nHealthy\.\n$/);
      }
      expect(await google.contents(planes)).toEqual({ a: sha256Of('1') });
    });

    it('names the permissions that a reader lacks, and the role that grants them', async () => {
      const { code, stdout, stderr } = await doctor(onGoogle('reader.json', planes), `google://${planes}`);
      expect([code, stderr]).toEqual([4, '']);
      expect(stdout).toMatch(/^list +granted\nread +granted\nwrite +DENIED: /m);
      expect(stdout).toContain('To ask for:\n  storage.objects.create\n  storage.objects.delete\n');
      expect(stdout).toContain('grant roles/storage.objectUser on the bucket');
      expect(stdout).toMatch(/Not healthy: something that is needed is missing\.\n$/);
    });

    it('tells a bucket that is missing', async () => {
      const { code, stdout } = await doctor(onGoogle('owner.json', 'not-there'), 'google://not-there');
      expect(code).toBe(4);
      expect(stdout.replaceAll('\n', ' ')).toContain('Nothing could be asked: there is no bucket "not-there" at');
    });
  });

  it('buckets of both are examined in one call, the worst code last', async () => {
    const { code, stdout } = await doctor(
      onAzure(azurite.account.key, boats) + onGoogle('reader.json', planes),
      `azure://${boats}`,
      `google://${planes}`,
      '--json',
    );
    expect(code).toBe(4);
    expect(eventsOf(stdout)).toMatchObject([
      { provider: 'azure', healthy: true, exitCode: 0 },
      { provider: 'google', healthy: false, exitCode: 4, access: { list: 'granted', write: 'denied' } },
    ]);
  });
}
