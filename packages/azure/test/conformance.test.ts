import { runConformance } from '@stowage/conformance';
import { serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, test } from 'vitest';
import type { AzureSignIn } from '../src/azure-options.ts';
import { azuriteHarness } from './azurite-harness.ts';
import { SERVICE_LIMITS } from './service-limits.ts';
import { runnerFor } from './vitest-runner.ts';

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('the conformance suite on Azurite, by account key', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  const { account } = server;
  const byKey = (): AzureSignIn => ({ kind: 'account-key', account: account.name, key: account.key });
  runConformance(
    runnerFor('azurite, account key', SERVICE_LIMITS),
    azuriteHarness(server, { signIn: byKey, secrets: [account.key], memory: { bytes: 128 * 1024 * 1024, growthBytes: 120_000_000 } }),
  );
}
