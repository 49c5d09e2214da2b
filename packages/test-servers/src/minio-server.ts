import { mkdir, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { goBinary, type GoProgram } from './go-binary.ts';
import type { LocalAuthority } from './local-authority.ts';
import { ROOT, type S3Server } from './s3-server.ts';
import { startServer } from './server-process.ts';

/** The last state of MinIO's own repository that the Go module proxy serves. */
export const MINIO: GoProgram = { name: 'minio', package: 'github.com/minio/minio', version: 'v0.0.0-20260212201848-7aac2a2c5b7c' };

export interface MinioServerOptions {
  /** Speaks https with a certificate of this authority. Default: plain http. */
  readonly authority?: LocalAuthority;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Buckets that are there from the start. Default: none. */
  readonly buckets?: readonly string[];
  /** Folder of the drive, which stays when the server ends. Default: a temporary one, removed with the server. */
  readonly drive?: string;
  /** Sets of two drives each, folders of `drive`, over which the objects are spread. Default: no sets, but one drive. */
  readonly sets?: number;
}

/**
 * MinIO on one folder. Its limits against AWS: no key with `//`, a leading `/` or a segment above 255 bytes; no object at `a` beside
 * one at `a/b`; conditional deletes are not known.
 */
export async function startMinio({ authority, region = 'us-east-1', buckets = [], drive, sets }: MinioServerOptions = {}): Promise<
  S3Server & { readonly consoleEndpoint: string }
> {
  const path = await goBinary(MINIO);
  const scheme = authority === undefined ? 'http' : 'https';
  const running = await startServer('minio', 2, async ([port, consolePort], folder) => {
    const certificates = join(folder, 'certs');
    await mkdir(certificates);
    const data = drive ?? join(folder, 'data');
    const drives = sets === undefined ? [data] : Array.from({ length: 2 * sets }, (_, i) => join(data, String(i + 1)));
    // A folder at the top of a drive is a bucket.
    for (const made of drives.flatMap((at) => [at, ...buckets.map((bucket) => join(at, bucket))])) await mkdir(made, { recursive: true });
    if (authority !== undefined) {
      const issued = await authority.issue('127.0.0.1');
      await writeFile(join(certificates, 'public.crt'), issued.certificate);
      await writeFile(join(certificates, 'private.key'), issued.key, { mode: 0o600 });
    }
    return {
      path,
      args: [
        'server',
        '--quiet',
        '--certs-dir',
        certificates,
        '--address',
        `127.0.0.1:${port}`,
        '--console-address',
        `127.0.0.1:${consolePort}`,
        sets === undefined ? data : join(data, `{1...${2 * sets}}`),
      ],
      env: {
        ...(sets === undefined ? {} : { MINIO_ERASURE_SET_DRIVE_COUNT: '2' }),
        MINIO_ROOT_USER: ROOT.accessKeyId,
        MINIO_ROOT_PASSWORD: ROOT.secretAccessKey,
        MINIO_SITE_REGION: region,
        // Nothing leaves the loopback: no look for updates, no call home; the folder may lie on the system's disk.
        MINIO_UPDATE: 'off',
        MINIO_CALLHOME_ENABLE: 'off',
        MINIO_CI_CD: 'on',
        // It goes through all that is stored after half an hour instead of a minute: it would take its time from a measurement.
        MINIO_SCANNER_SPEED: 'slowest',
      },
      ready: () => answersOk(`${scheme}://127.0.0.1:${port}/minio/health/cluster`, authority?.ca),
    };
  });
  const { pid, ports } = running;
  const stop = (): Promise<void> => running.stop();
  return {
    name: 'minio',
    endpoint: `${scheme}://127.0.0.1:${ports[0]}`,
    consoleEndpoint: `${scheme}://127.0.0.1:${ports[1]}`,
    region,
    ...ROOT,
    ca: authority?.ca,
    pid,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function answersOk(url: string, ca: string | undefined): Promise<boolean> {
  if (ca === undefined) return (await fetch(url)).ok;
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', reject);
  });
}
