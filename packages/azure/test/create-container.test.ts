import { faultServer, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it } from 'vitest';
import type { AzureOptions } from '../src/azure-options.ts';
import { createContainer } from '../src/create-container.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

const { server, missing } = await serverOrReason(() => startAzurite());
afterAll(() => server?.stop());

const KEY = { kind: 'account-key', account: 'devstoreaccount1', key: Buffer.alloc(64).toString('base64') } as const;

describe('a new container', () => {
  it('is seen to be private', async ({ skip }) => {
    if (server === undefined) return skip(missing);
    const { name: account, key } = server.account;
    const options: AzureOptions = { endpoint: server.endpoint, signIn: { kind: 'account-key', account, key } };
    expect(await createContainer(options, 'seen-private', {})).toEqual({ outcome: 'created', exposure: 'private', notes: [] });
    expect((await fetch(`${server.endpoint}/seen-private?restype=container&comp=list`)).status).toBeGreaterThanOrEqual(400);
    await expect(createContainer(options, 'No_Such_Name', {})).rejects.toMatchObject({
      code: 'Config',
      operation: 'createBucket',
      message: expect.stringContaining('"No_Such_Name"') as string,
    });
  });

  it.for([
    ['opened by the service', { 'x-ms-blob-public-access': 'blob' }, 200, 'public', 'public access: blob'],
    ['not to be looked at', {}, 403, 'unknown', 'could not be seen'],
  ] as const)('is told by what is seen of it: %s', async ([, headers, status, exposure, note]) => {
    await using faults = await faultServer((incoming, answer) => {
      if (incoming.method === 'PUT') answer.writeHead(201).end();
      else if (status === 200) answer.writeHead(200, headers).end();
      else return xmlError(answer, status, 'AuthorizationPermissionMismatch');
      return true;
    });
    expect(await createContainer({ endpoint: `${faults.endpoint}/devstoreaccount1`, signIn: KEY }, 'x', {})).toEqual({
      outcome: 'created',
      exposure,
      notes: [expect.stringContaining(note)],
    });
  });
});

describe('a container that cannot be made', () => {
  it('says what to ask for, and asks nothing of the service where that is known', async () => {
    await using faults = await faultServer((_incoming, answer) => xmlError(answer, 403, 'AuthorizationPermissionMismatch'));
    const endpoint = `${faults.endpoint}/devstoreaccount1`;
    const token = containerSas({ name: KEY.account, key: KEY.key }, 'x', { letters: 'racwdl' });
    const message = expect.stringMatching(/containers: only a SAS of the account .* use a SAS of the account with ss=b, srt=co/) as string;
    await expect(createContainer({ endpoint, signIn: { kind: 'sas', token } }, 'x', {})).rejects.toMatchObject({ code: 'AccessDenied', message });
    expect(faults.seen).toEqual([]);
    await expect(createContainer({ endpoint, signIn: KEY }, 'x', {})).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringMatching(/may not make the container "x".*; use a key that is not restricted/) as string,
    });
  });

  it('says that one of that name is being deleted', async () => {
    await using faults = await faultServer((_incoming, answer) => xmlError(answer, 409, 'ContainerBeingDeleted'));
    await expect(createContainer({ endpoint: `${faults.endpoint}/devstoreaccount1`, signIn: KEY }, 'x', {})).rejects.toThrow(
      'the container "x" is being deleted, which takes half a minute or more',
    );
  });
});
