import { runConformance } from '@stowage/conformance';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, test } from 'vitest';
import { NOTHING_ALLOWED, restrictedKeys } from './denied-keys.ts';
import { s3Harness } from './s3-harness.ts';
import { MINIO_LIMITS } from './server-limits.ts';
import { runnerFor } from './vitest-runner.ts';

const { server, missing } = await serverOrReason(() => startMinio());

if (server === undefined) test('the conformance suite on MinIO', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 120_000);
  for (const transport of ['lean', 'sdk'] as const)
    runConformance(
      runnerFor(`minio, ${transport}`, MINIO_LIMITS),
      s3Harness(server, { store: 'minio', transport, denied: () => restrictedKeys(server, NOTHING_ALLOWED) }),
    );
}
