import { runConformance } from '@stowage/conformance';
import { serverOrReason, startVersitygw } from '@stowage/test-servers';
import { afterAll, test } from 'vitest';
import { s3Harness } from './s3-harness.ts';
import { VERSITYGW_LIMITS } from './server-limits.ts';
import { runnerFor } from './vitest-runner.ts';

const { server, missing } = await serverOrReason(() => startVersitygw());

if (server === undefined) test("the conformance suite on Versity's gateway", ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 120_000);
  for (const transport of ['lean', 'sdk'] as const)
    runConformance(runnerFor(`versitygw, ${transport}`, VERSITYGW_LIMITS), s3Harness(server, { store: 'versitygw', transport }));
}
