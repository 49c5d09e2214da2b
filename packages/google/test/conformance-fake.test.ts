import { runConformance } from '@stowage/conformance';
import { serverOrReason, startFakeGcs } from '@stowage/test-servers';
import { afterAll, test } from 'vitest';
import { FAKE_GCS_LIMITS } from './fake-gcs-limits.ts';
import { googleHarness } from './google-harness.ts';
import { makeBucket, unchecked } from './strict-server.ts';
import { runnerFor } from './vitest-runner.ts';

const { server, missing } = await serverOrReason(() => startFakeGcs());

if (server === undefined) test('the conformance suite on fake-gcs-server', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  runConformance(
    runnerFor('google, fake-gcs-server', FAKE_GCS_LIMITS),
    googleHarness({
      endpoint: server.endpoint,
      credentials: unchecked(),
      makeBucket: (name) => makeBucket(server.endpoint, name),
      tellsMissingBucket: false,
      ownHost: true,
      memory: { skip: 'fake-gcs-server hashes all content anew with every chunk; the strict server has these cases' },
    }),
  );
}
