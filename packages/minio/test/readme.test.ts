import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { parseRemoteLinks } from '@stowage/core/config';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { makeAuthority, makeClientCertificate } from '../src/certificates/make-certificate.ts';
import { certificateSettings } from '../src/certificates/certificate-settings.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { minio } from '../src/minio-provider.ts';

const packageFolder = dirname(import.meta.dirname);
const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
const guide = await readFile(join(packageFolder, '../../docs/guides/sign-in-to-s3.md'), 'utf8');
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?\\n)\`\`\`$`, 'gms'))].map(([, block = '']) => block);

const { server, missing } = await serverOrReason(() => startMinio());

if (server === undefined) test('the programs of the README', ({ skip }) => skip(missing));
else {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stowage-readme-'));
    const client = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials: server });
    await client.send(new CreateBucketCommand({ Bucket: 'cars' }));
    client.destroy();
    await writeFile(join(folder, 'remote_links.yml'), atTheServer(blocks(readme, 'yaml')[0] ?? ''));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await server.stop();
  }, 60_000);
  const atTheServer = (text: string): string =>
    text
      .replaceAll('http://127.0.0.1:9000', server.endpoint)
      .replaceAll('stowage-secret', server.secretAccessKey)
      .replace(/'stowage'|(?<=access_key: )stowage/g, (name) => name.replace('stowage', server.accessKeyId));

  describe('the programs of the README', () => {
    const programs = blocks(readme, 'ts').map((program, i) => [i + 1, program, blocks(readme, 'text')[i]] as const);
    // The second reads what the first has written.
    it.each(programs)('print what stands beneath them: %i', async (_, program, printed) => {
      // Its imports are found from here, its files in the folder.
      const source = atTheServer(program).replaceAll('process.cwd()', JSON.stringify(folder));
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        ['--conditions=@stowage/source', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', source],
        { cwd: packageFolder, env: { PATH: process.env['PATH'], CARS_SECRET: server.secretAccessKey } },
      );
      expect([stdout, stderr]).toEqual([printed, '']);
    });
  });
}

it('entries of the README and of the guide are read as they are', async () => {
  const authority = await makeAuthority({ commonName: 'authority', days: 9 });
  const pair = await makeClientCertificate({ commonName: 'client', days: 8 }, authority);
  const { iam_role_cert: STORAGE_CERT, iam_role_key: STORAGE_CERT_KEY } = await certificateSettings(pair);
  const env = { CARS_SECRET: 'secret', STORAGE_CERT, STORAGE_CERT_KEY };
  const texts = [...blocks(readme, 'yaml'), ...blocks(guide, 'yaml')];
  expect(texts.length).toBeGreaterThanOrEqual(2);
  for (const text of texts) {
    const { entries, errors, warnings } = parseRemoteLinks(text, { env, folder: '/' });
    expect([errors, warnings]).toEqual([[], []]);
    for (const { settings } of entries) expect(() => minio.parseConfig(settings, { env })).not.toThrow();
  }
});

/** All of them: an option that is missing here does not compile. */
const OPTIONS: Readonly<Record<keyof MinioOptions, true>> = {
  endpoint: true,
  credentials: true,
  region: true,
  pathStyle: true,
  store: true,
  ca: true,
  transport: true,
  signPayload: true,
  etagIsMd5: true,
  versioned: true,
  partSize: true,
  concurrency: true,
  connections: true,
  connectTimeoutMs: true,
  answerTimeoutMs: true,
  silenceMs: true,
};

it('the table of options has every option', () => {
  const table = readme.slice(readme.indexOf('## Options'), readme.indexOf('## Sign-in'));
  for (const name of Object.keys(OPTIONS)) expect(table).toContain(`| \`${name}\` |`);
});
