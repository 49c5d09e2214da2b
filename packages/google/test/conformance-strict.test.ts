import { runConformance } from '@stowage/conformance';
import { serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, test } from 'vitest';
import { googleHarness } from './google-harness.ts';
import { keyOf, makeBucket, signedIn, wrongKey } from './strict-server.ts';
import { runnerFor } from './vitest-runner.ts';

const { server, missing } = await serverOrReason(() => startStrictGcs());

if (server === undefined) test('the conformance suite on the strict server', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  runConformance(
    runnerFor('google, strict server'),
    googleHarness({
      endpoint: server.endpoint,
      credentials: signedIn(server, server.owner),
      denied: signedIn(server, server.nobody),
      unauthenticated: wrongKey(server),
      makeBucket: (name) => makeBucket(server.endpoint, name),
      secrets: [
        keyOf(server.owner).private_key,
        ...keyOf(server.owner)
          .private_key.split('\n')
          .filter((line) => line.length > 40),
      ],
      tellsMissingBucket: true,
      // More than memory may grow; 1 GiB is what bench/google-transfer.ts moves.
      memory: { bytes: 176 * 1024 * 1024 },
    }),
  );
}
