import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { goBinary, type GoProgram } from './go-binary.ts';
import { ROOT, type S3Server } from './s3-server.ts';
import { startServer } from './server-process.ts';

export const VERSITYGW: GoProgram = { name: 'versitygw', package: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' };

/**
 * Versity's gateway over a folder: shares no code with MinIO, builds in half a minute, knows conditional writes, multipart, checksums
 * and tags. Its limits are a file system's: no object at `a` beside one at `a/b`, segments of 255 bytes, no `//`.
 */
export async function startVersitygw(region: string = 'us-east-1'): Promise<S3Server> {
  const path = await goBinary(VERSITYGW);
  const running = await startServer('versitygw', 1, async ([port], folder) => {
    await mkdir(join(folder, 'data'));
    return {
      path,
      // Metadata in extended attributes, which the temporary folder's disk must have: kept beside the data ("sidecar"), an overwrite
      // keeps old tags and headers, and readers meet the metadata of one write with the content of another.
      args: ['--quiet', '--keep-alive', '--region', region, '--health', '/health', '--port', `127.0.0.1:${port}`, 'posix', join(folder, 'data')],
      env: { ROOT_ACCESS_KEY: ROOT.accessKeyId, ROOT_SECRET_KEY: ROOT.secretAccessKey },
      ready: async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
    };
  });
  const { pid, ports } = running;
  const stop = (): Promise<void> => running.stop();
  return { name: 'versitygw', endpoint: `http://127.0.0.1:${ports[0]}`, region, ...ROOT, ca: undefined, pid, stop, [Symbol.asyncDispose]: stop };
}
