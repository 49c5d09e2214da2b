import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ended, plant, start, useFolder } from './command.ts';

const folder = useFolder();
const sockets = new Set<Socket>();
let server: Server;

/** Takes connections and requests, and never answers. */
beforeEach(async () => {
  server = createServer((socket) => sockets.add(socket.on('error', () => undefined).resume()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const entry = `cars:\n  provider: minio\n  endpoint: ${endpoint()}\n  store: aws\n  access_key: a\n  secret_key: no-secret\n  buckets: [cars]\n`;
  writeFileSync(join(folder.path, 'remote_links.yml'), entry);
  writeFileSync(join(folder.path, 'cars.txt'), 's3://cars/1.jpg\n');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => server.close(resolve));
});

const endpoint = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const links = (...args: string[]): ReturnType<typeof ended> => ended(start(folder.path, args));

describe('a store that never answers', () => {
  it('is told as unreachable by import and check, and ends a scan', { timeout: 60_000 }, async () => {
    const imported = await links('import', 'cars.txt', '--project', 'P', '--timeout', '100ms');
    expect(imported).toMatchObject({ code: 1, stderr: expect.stringMatching(/^cars\.txt:1:1: .*no answer within 100 ms.*\n$/) });
    expect(imported.stdout).toContain('failed         1  1 unreachable');

    expect(await links('import', 'cars.txt', '--project', 'P', '--verify', 'none')).toMatchObject({ code: 0 });
    const checked = await links('check', '--timeout', '100ms');
    expect(checked).toMatchObject({ code: 1, stdout: expect.stringMatching(/^unreachable s3:\/\/cars\/1\.jpg .*no answer within 100 ms/) });

    expect(await links('scan', 's3://cars', '--timeout', '100ms')).toMatchObject({ code: 3, stderr: expect.stringContaining('no answer within 100 ms') });
  });

  it('fails an entity of a migration, and keeps the link of one whose bytes cannot be looked at', { timeout: 60_000 }, async () => {
    plant(folder.path, { 'data/storage/private/1': 'one', 'rows.jsonl': '{"name":"1.jpg","dataset":["d"],"local":"/private/1"}\n' });
    expect(await links('entities', 'add', 'rows.jsonl', '--project', 'P', '--type', 'images')).toMatchObject({ code: 0 });
    const moved = await links('migrate', 'P', '--to', 's3://cars', '--timeout', '100ms');
    expect(moved).toMatchObject({ code: 1, stderr: expect.stringMatching(/^P\/d\/1\.jpg: upload-failed: .*no answer within 100 ms/) });

    plant(folder.path, {
      'map.csv': '1;s3://cars/1.jpg\n',
      '.env': `STORAGE_PROVIDER=minio\nSTORAGE_ENDPOINT=${endpoint()}\nSTORAGE_ACCESS_KEY=a\nSTORAGE_SECRET_KEY=no-secret\n`,
    });
    expect(await links('set-remote', '--map', 'map.csv')).toMatchObject({ code: 0 });
    const unlinked = await links('unlink', '1', '--timeout', '100ms');
    expect(unlinked).toMatchObject({ code: 1, stderr: expect.stringMatching(/^bytes-gone 1: .*no answer within 100 ms/) });
  });

  it('takes no time that it cannot keep', async () => {
    expect(await links('check', '--timeout', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected a time from 1ms to 24d') });
    expect(await links('check', '--timeout', '90d')).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected a time from 1ms to 24d') });
  });
});
