import { serverOrReason, startMinio } from '@stowage/test-servers';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { diagnosisLines } from '../src/diagnosis-text.ts';
import { eventsOf, plant, run, start, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { listKeys, makeBucket, putObject, restrictedKeys } from './plain-s3.ts';

const { server, missing } = await serverOrReason(() => startMinio());
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

if (server === undefined) test('stowage-mirror doctor', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  let readOnly: Awaited<ReturnType<typeof restrictedKeys>>;
  beforeAll(async () => {
    for (const name of ['cars', 'shown']) await makeBucket(server, name);
    await putObject(server, 'cars', 'a', '1');
    readOnly = await restrictedKeys(server, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetObject', 's3:GetBucketVersioning'], Resource: ['arn:aws:s3:::*'] }],
    });
  });
  beforeEach(() => {
    plant(at('photos'), { a: '1' });
    const entry = (name: string, buckets: string, keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): string =>
      [
        `${name}:`,
        '  provider: minio',
        '  store: minio',
        `  endpoint: ${server.endpoint}`,
        `  access_key: ${keys.accessKeyId}`,
        `  secret_key: ${keys.secretAccessKey}`,
        ...(keys.sessionToken === undefined ? [] : [`  session_token: ${keys.sessionToken}`]),
        `  buckets: [${buckets}]`,
        '',
      ].join('\n');
    writeFileSync(
      at('remote_links.yml'),
      `${entry('main', 'cars, nowhere', server)}${entry('guest', 'shown', readOnly)}photos:\n  provider: fs\n  path: photos\n`,
    );
  });
  const doctor = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const terminal = fakeTerminal(folder.path, (name) => import(name));
    const code = await runCli(['doctor', ...args], terminal);
    return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
  };

  describe('stowage-mirror doctor', () => {
    it('says that all is well, and leaves nothing behind', async () => {
      const { code, stdout, stderr } = await run(['doctor', 's3://cars'], { cwd: folder.path });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toBe(
        [
          `s3://cars at ${server.endpoint}`,
          '',
          'list          granted',
          'read          granted',
          'write         granted',
          'delete        granted',
          'list-uploads  granted',
          'region        us-east-1',
          'addressing    path',
          'tls           no',
          "clock         in step with the server's",
          '',
          'Healthy.',
          '',
        ].join('\n'),
      );
      expect(await listKeys(server, 'cars')).toEqual(['a']);
    });

    it('names what is missing, and the policy that grants it', async () => {
      const { code, stdout, stderr } = await doctor('s3://shown');
      expect([code, stderr]).toEqual([4, '']);
      expect(stdout).toContain('write         DENIED: nothing can be written\n');
      expect(stdout).toContain('To ask for:\n  s3:PutObject\n  s3:AbortMultipartUpload\n');
      const policy = /What grants it:\n(\{\n.*?\n\})\n/s.exec(stdout)?.[1] ?? '';
      expect(JSON.parse(policy)).toMatchObject({ Version: '2012-10-17', Statement: [{}, { Resource: 'arn:aws:s3:::shown/*' }] });
      expect(stdout).toMatch(/Not healthy: something that is needed is missing\.\n$/);
    });

    it('examines several buckets of any provider, and ends with the worst code', async () => {
      const { code, stdout } = await doctor('fs://photos', 's3://nowhere', 's3://cars');
      expect(code).toBe(4);
      expect(stdout).toMatch(/^fs:\/\/photos\n\nlist +granted\n(?:.*\n)*Healthy\.\n\ns3:\/\/nowhere at /);
      expect(stdout.replaceAll('\n', ' ')).toContain('Nothing could be asked: there is no bucket "nowhere" at');
      expect(stdout).toMatch(/\ns3:\/\/cars at .*(?:\n.*)*\nHealthy\.\n$/);
    });

    it('gives a line of JSON for each bucket', async () => {
      const { code, stdout } = await doctor('s3://cars', 's3://shown', 's3://nowhere', '--json');
      expect(code).toBe(4);
      const [cars, shown, nowhere] = eventsOf(stdout);
      expect(cars).toMatchObject({ event: 'diagnosis', link: 's3://cars', provider: 'minio', bucket: 'cars', healthy: true, exitCode: 0, missing: [] });
      expect(shown).toMatchObject({ healthy: false, exitCode: 4, access: { list: 'granted', write: 'denied' }, missing: [{ permission: 'write' }, {}, {}] });
      expect(nowhere).toMatchObject({
        healthy: false,
        exitCode: 4,
        problem: { name: 'StorageError', code: 'BucketNotFound', message: expect.stringContaining('nowhere') },
      });
    });

    it.each([
      ['no link', [], /missing required argument 'links'/],
      ['a link of no storage', ['s3://other'], /^stowage-mirror: "s3:\/\/other": no configured storage has the minio bucket "other"/],
      ['a link of an object', ['s3://cars/a'], /expected a link of a bucket alone/],
      ['a path', ['photos'], /got no scheme/],
      ['an option of another command', ['s3://cars', '--delete'], /unknown option '--delete'/],
      ['a configuration that is missing', ['s3://cars', '--config', 'none.yml'], /expected a file of storages, as --config says/],
    ])('bad input: %s', async (_, args, message) => {
      const { code, stdout, stderr } = await doctor(...args);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^stowage-mirror: [^\n]+\n$/);
      expect([code, stdout]).toEqual([2, '']);
    });

    it('tells an error as an event, too', async () => {
      const { code, stdout } = await doctor('s3://other', '--json');
      expect(code).toBe(2);
      expect(eventsOf(stdout)).toMatchObject([{ event: 'error', exitCode: 2, message: expect.stringContaining('no configured storage has') }]);
    });

    it('prints what the README shows', async () => {
      const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
      const shown = /^\$ stowage-mirror doctor s3:\/\/cars\n([^`]*)^```$/m.exec(readme)?.[1];
      expect((await doctor('s3://cars')).stdout).toBe(shown?.replace('http://127.0.0.1:9000', server.endpoint));
    });

    it('ends at once when it is interrupted, though the store does not answer', async () => {
      const mute = createServer();
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
      const address = mute.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      writeFileSync(at('mute.yml'), `mute:\n  provider: minio\n  endpoint: http://127.0.0.1:${port}\n  access_key: a\n  secret_key: b\n  buckets: [mute]\n`);
      const child = start(['doctor', 's3://mute', '--config', at('mute.yml')], { cwd: folder.path });
      mute.once('connection', () => child.kill('SIGINT'));
      const code = await new Promise((resolve) => child.once('close', resolve));
      mute.close();
      expect(code).toBe(130);
    });
  });

  it.each([60, 80])('a diagnosis fits %i columns, but for what is to be copied', (width) => {
    const lines = diagnosisLines(
      's3://cars',
      {
        provider: 'minio',
        bucket: 'cars',
        endpoint: 'https://s3.amazonaws.com',
        healthy: false,
        access: { list: 'denied', read: 'not-probed', write: 'granted', delete: 'granted', 'list-uploads': 'denied' },
        missing: [
          { permission: 'list', actions: ['s3:ListBucket'], cost: 'no listing, so no mirror; a missing object looks like a denied one' },
          {
            permission: 'list-uploads',
            actions: ['s3:ListBucketMultipartUploads'],
            cost: 'uploads that others left unfinished are not found; they cost storage until a rule ends them',
          },
        ],
        clockSkewMs: -61_000,
        facts: [{ name: 'region', value: "eu-central-1 (the bucket's own: eu-west-1)" }],
        advice: ["this machine's clock is 1 minutes behind the server's; from 15 minutes on requests are refused", 'a\nb'],
      },
      width,
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    const text = lines.join('\n');
    expect(text).toContain('read          not asked');
    expect(text).toContain("clock         61 s behind the server's");
    expect(text).toContain('Note: a\\nb');
    expect(text.replace(/\n +/g, ' ')).toContain('list          DENIED: no listing, so no mirror; a missing object looks like a denied one');
  });
}
