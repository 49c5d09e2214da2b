import { runConformance } from '@stowage/conformance';
import { serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, test } from 'vitest';
import type { AzureSignIn } from '../src/azure-options.ts';
import { azuriteHarness } from './azurite-harness.ts';
import { SERVICE_LIMITS } from './service-limits.ts';
import { containerSas } from './test-sas.ts';
import { runnerFor } from './vitest-runner.ts';

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('the conformance suite on Azurite, by SAS', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  const { account } = server;
  const bySas = (container: string): AzureSignIn => ({ kind: 'sas', token: `?${containerSas(account, container, { letters: 'racwdxltf' })}` });
  runConformance(
    runnerFor('azurite, container SAS', SERVICE_LIMITS),
    azuriteHarness(server, { signIn: bySas, secrets: [account.key], memory: { skip: 'the bytes go the same way as with the account key' } }),
  );
}
