import { goBinary, type GoProgram } from './go-binary.ts';
import { startServer } from './server-process.ts';

export const FAKE_GCS: GoProgram = { name: 'fake-gcs-server', package: 'github.com/fsouza/fake-gcs-server', version: 'v1.56.1' };

export interface FakeGcsServer extends AsyncDisposable {
  readonly name: string;
  readonly endpoint: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * The emulator that most projects test with. Read in its sources: conditions are judged on uploads alone, not on reads, deletions,
 * compose, rewrite and patch; a common prefix is given again with every page and a delimiter of several characters is cut; a patch
 * cannot clear a header and a rewrite cannot leave one out; a question to a resumable session ends it; nobody signs in.
 */
export async function startFakeGcs(): Promise<FakeGcsServer> {
  const path = await goBinary(FAKE_GCS);
  const running = await startServer('fake-gcs', 1, async ([port]) => ({
    path,
    args: ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', `127.0.0.1:${port}`, '-backend', 'memory', '-log-level', 'error'],
    env: {},
    ready: async () => (await fetch(`http://127.0.0.1:${port}/_internal/healthcheck`)).ok,
  }));
  const { pid, ports } = running;
  const stop = (): Promise<void> => running.stop();
  return { name: 'fake-gcs', endpoint: `http://127.0.0.1:${ports[0]}`, pid, stop, [Symbol.asyncDispose]: stop };
}
