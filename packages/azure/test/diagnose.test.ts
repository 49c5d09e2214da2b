import { type Diagnosis, openBucket } from '@stowage/core';
import { faultServer, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import type { AzureOptions } from '../src/azure-options.ts';
import { azure } from '../src/azure-provider.ts';
import { makeContainer } from './azurite-harness.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

async function diagnose(options: AzureOptions, container: string): Promise<Diagnosis> {
  const report = await azure.diagnose?.(options, container, {});
  if (report === undefined) throw new Error('the provider has no diagnosis');
  return report;
}

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('a diagnosis on Azurite', ({ skip }) => skip(missing));
else {
  const { account, endpoint } = server;
  afterAll(() => server.stop(), 60_000);
  const byKey: AzureOptions = { endpoint, signIn: { kind: 'account-key', account: account.name, key: account.key } };
  const bySas = (container: string, letters: string, end?: Date): AzureOptions => ({
    endpoint,
    signIn: { kind: 'sas', token: containerSas(account, container, { letters, ...(end === undefined ? {} : { end }) }) },
  });

  describe('a diagnosis', () => {
    it('finds nothing wrong where nothing is, and leaves nothing behind', async () => {
      const container = await makeContainer(server);
      const bucket = openBucket(azureDriver(byKey, container));
      const before = await bucket.put('there', 'x');
      const report = await diagnose(byKey, container);
      expect(report).toMatchObject({ provider: 'azure', bucket: container, endpoint: server.origin, healthy: true, missing: [], clockSkewMs: 0, advice: [] });
      expect(report.access).toEqual({ list: 'granted', read: 'granted', write: 'granted', delete: 'granted', 'list-uploads': 'granted' });
      expect(report.facts).toEqual(
        expect.arrayContaining([
          { name: 'account', value: account.name },
          { name: 'sign-in', value: 'account-key' },
        ]),
      );
      expect(report.grant).toBeUndefined();
      expect((await Array.fromAsync(bucket.list())).map(({ key, revision }) => [key, revision])).toEqual([['there', before.revision]]);
      expect(await Array.fromAsync(bucket.listUploads())).toEqual([]);
    });

    it.each([
      ['r', ['list', 'write', 'delete', 'list-uploads'], 'sp=rwdl'],
      ['rl', ['write', 'delete'], 'sp=rwdl'],
      ['rwl', ['delete'], 'sp=rwdl'],
      ['wl', ['read', 'delete'], 'sp=rwdl'],
      ['rcl', ['write', 'delete'], 'sp=rcwdl'],
    ])('names the letters that a SAS with %s lacks, and the whole that would do', async (letters, lacking, grant) => {
      const container = await makeContainer(server);
      const report = await diagnose(bySas(container, letters), container);
      expect(report.problem).toBeUndefined();
      expect(report.missing.map(({ permission }) => permission)).toEqual(lacking);
      for (const { permission, actions } of report.missing)
        expect(actions).toEqual([{ list: 'l (list)', read: 'r (read)', write: 'w (write)', delete: 'd (delete)', 'list-uploads': 'l (list)' }[permission]]);
      expect(report.grant).toContain(grant);
      expect(report.healthy).toBe(false);
      expect(report.facts).toEqual(
        expect.arrayContaining([
          { name: 'SAS letters', value: letters },
          { name: 'SAS of', value: 'container' },
        ]),
      );
    });

    it('tells what keeps everything from being asked', async () => {
      expect(await diagnose(byKey, 'not-there')).toMatchObject({ healthy: false, problem: { code: 'BucketNotFound' }, missing: [], clockSkewMs: 0 });
      expect(await diagnose({ ...byKey, endpoint: `http://127.0.0.1:1/${account.name}` }, 'c')).toMatchObject({
        healthy: false,
        problem: { code: 'Unavailable' },
      });
      const container = await makeContainer(server);
      expect(await diagnose(bySas(container, 'rl', new Date(Date.now() - 1000)), container)).toMatchObject({
        healthy: false,
        problem: { code: 'Unauthenticated', message: expect.stringContaining('expired on') },
      });
    });

    it('of a SAS that ends soon says when', async () => {
      const container = await makeContainer(server);
      const { advice } = await diagnose(bySas(container, 'rwdl'), container);
      expect(advice).toEqual([expect.stringContaining('the SAS ends on')]);
    });
  });
}

it('a clock that is an hour off is measured, and named as what refuses the sign-in', async () => {
  await using wrong = await faultServer((incoming, answer) => {
    incoming.resume();
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    return xmlError(answer, 403, 'AuthenticationFailed', { date }, "<AuthenticationErrorDetail>Request date header too old: 'x'</AuthenticationErrorDetail>");
  });
  const key = Buffer.alloc(64, 'k').toString('base64');
  const report = await diagnose({ endpoint: `${wrong.endpoint}/acc`, signIn: { kind: 'account-key', account: 'acc', key } }, 'c');
  expect(Math.round((report.clockSkewMs ?? 0) / 60_000)).toBe(-60);
  expect(report.problem).toMatchObject({ code: 'Unauthenticated', message: expect.stringContaining('60 minutes behind') });
  expect(report.advice).toEqual([expect.stringContaining('60 minutes behind')]);
});

it("what a firewall refuses is told of each right, and never taken for the credentials' fault alone", async () => {
  await using closed = await faultServer((incoming, answer) => {
    incoming.resume();
    return xmlError(answer, 403, 'AuthorizationFailure');
  });
  const key = Buffer.alloc(64, 'k').toString('base64');
  const report = await diagnose({ endpoint: `${closed.endpoint}/acc`, signIn: { kind: 'account-key', account: 'acc', key } }, 'c');
  expect(report.missing.length).toBe(5);
  expect(report.grant).toContain('firewall');
});
