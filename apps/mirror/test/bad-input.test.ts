import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { namesIn, plant, run, treeOf, useFolder } from './command.ts';

const folder = useFolder();

beforeEach(() => {
  plant(join(folder.path, 'src'), { a: '1', 'd/b': '2' });
  plant(join(folder.path, 'dst'), { z: 'kept' });
  mkdirSync(join(folder.path, 'empty'));
  execFileSync('mkfifo', [join(folder.path, 'pipe')]);
  symlinkSync('src', join(folder.path, 'src-link'));
  symlinkSync('src/a', join(folder.path, 'a-link'));
  writeFileSync(join(folder.path, 'broken.yml'), 'a: [\n');
  writeFileSync(join(folder.path, 'unknown.yml'), 'x:\n  provider: fz\n  path: /tmp\n');
  writeFileSync(join(folder.path, 'good.yml'), 'shelf:\n  provider: fs\n  path: src\n');
  writeFileSync(
    join(folder.path, 'broken-entry.yml'),
    'my-cars:\n  provider: minio\n  endpoint: http://127.0.0.1:1\n  access_key: a\n  secret_key: b\n  region: [x]\n  buckets: [cars]\nshelf:\n  provider: fs\n  path: src\n',
  );
  writeFileSync(
    join(folder.path, 'main.env'),
    'STORAGE_PROVIDER=minio\nSTORAGE_ENDPOINT=127.0.0.1\nSTORAGE_PORT=1\nSTORAGE_ACCESS_KEY=a\nSTORAGE_SECRET_KEY=b\n',
  );
  writeFileSync(join(folder.path, 'wrong.env'), 'STORAGE_PROVIDER=minioo\n');
});

/** What, the command line, the exit code, and what the one line says. */
it.each([
  ['no command', '', 2, /^Usage: stowage-mirror/],
  ['an unknown command', 'synk src dst', 2, /unknown command 'synk' \(Did you mean sync\?\)/],
  ['an unknown option', 'sync src dst --delte', 2, /unknown option '--delte' \(Did you mean --delete\?\)/],
  ['an option of another command', 'check src dst --delete', 2, /unknown option '--delete'/],
  ['a place too few', 'sync src', 2, /missing required argument 'destination'/],
  ['a place too many', 'sync src dst x', 2, /too many arguments/],
  ['an empty place', 'sync "" dst', 2, /expected a path or a link prefix as source; got nothing/],
  ['a limit that is none', 'sync src dst --max-delete lots', 2, /'lots' is invalid\. Expected a number of objects such as 100, or percent/],
  ['a share of more than all', 'sync src dst --max-delete 101%', 2, /'101%' is invalid/],
  ['no transfers', 'sync src dst --transfers 0', 2, /Expected a whole number from 1 to 1024/],
  ['an unknown way with links', 'sync src dst --symlinks follow', 2, /'follow' is invalid\. Allowed choices are files, skip/],
  ['two comparisons', 'sync src dst --size-only -c', 2, /cannot be used with/],
  ['a loud silence', 'sync src dst -q -v', 2, /cannot be used with/],
  ['deletions around one file', 'sync src/a dst --delete', 2, /--delete needs a folder as its source; "src\/a" is a file/],
  ['a source that is missing', 'sync nope dst', 3, /the source "nope" is not there; expected a folder, a file or a link prefix/],
  ['a source below a file', 'sync src/a/b dst', 3, /the source "src\/a\/b" is not there/],
  ['a source that is a pipe', 'sync pipe dst', 3, /the source "pipe" is a socket, pipe or device/],
  ['a source that is a link to a file', 'copy a-link dst', 3, /is a symbolic link to a file; name the file itself/],
  ['a destination that is a file', 'sync src src/a', 4, /the destination "src\/a" is a file; expected a folder/],
  ['a destination below a file', 'sync src src/a/x', 4, /cannot be made: .*a" on its path is no folder/],
  ['a destination to compare with that is missing', 'check src nope', 4, /the destination "nope" is not there; expected a folder to compare with/],
  ['one place twice', 'sync src src', 5, /source and destination are one place/],
  ['one place twice, by a link', 'sync src src-link', 5, /source and destination are one place/],
  ['a source inside the destination', 'sync src/d src --delete', 5, /the source lies inside the destination/],
  ['a destination inside the source', 'sync src src/d', 5, /the destination lies inside the source/],
  ['a destination inside the source, by a link', 'sync src src-link/new', 5, /the destination lies inside the source/],
  ['an empty source', 'sync empty dst --delete', 5, /the source is empty/],
  ['an empty source of a plan', 'plan empty dst', 5, /the source is empty/],
  ['a link of no known scheme', 'sync s4://x dst', 2, /expected <scheme>:\/\/<bucket>\/<key>.*"s4", did you mean "s3"\?/],
  ['a link without a bucket', 'sync fs:// dst', 2, /expected the name of a bucket/],
  ['a link that leads out', 'sync fs://x/../y dst', 2, /column 8/],
  ['a link of no configured storage', 'sync fs://nope/ dst', 2, /no configured storage has the fs bucket "nope"; configured: none/],
  ['a web address', 'sync https://example.com/x dst', 2, /an http link names one file/],
  ['a configuration that is missing', 'sync fs://x/ dst --config nope.yml', 2, /expected a file of storages, as --config says; got ".*nope\.yml"/],
  ['broken YAML', 'sync fs://x/ dst --config broken.yml', 2, /broken\.yml:2:1: /],
  [
    'an unknown provider',
    'sync fs://x/ dst --config unknown.yml',
    2,
    /unknown\.yml:2:13: x\.provider: expected one of minio, azure, google, fs, http; got "fz"; did you mean "fs"\?/,
  ],
  ['a file of variables that is missing', 'sync fs://x/ dst --dotenv nope.env', 2, /nope\.env: expected a file of variables; got one that does not exist/],
  [
    'a file of variables that is missing, beside good storages',
    'sync fs://shelf/ dst --config good.yml --dotenv nope.env',
    2,
    /cannot be used: nope\.env: expected/,
  ],
  ['a variable that is no setting', 'sync fs://x/ dst --dotenv wrong.env', 2, /wrong\.env:1: STORAGE_PROVIDER: expected one of http, minio, azure, google/],
] as const)('%s', async (_, line, code, message) => {
  const before = namesIn(folder.path);
  const args = line.split(' ').filter((part) => part !== '');
  const ended = await run(
    args.map((part) => (part === '""' ? '' : part)),
    { cwd: folder.path },
  );
  expect(ended.stderr).toMatch(message);
  expect(ended.code).toBe(code);
  expect(ended.stdout).toBe('');
  // One line, no stack, no path of our own sources.
  if (args.length > 0) expect(ended.stderr).toMatch(/^stowage-mirror: [^\n]+\n$/);
  expect(ended.stderr).not.toMatch(/\n\s+at |\.ts\b|node_modules/);
  expect(namesIn(folder.path)).toEqual(before);
  expect(treeOf(join(folder.path, 'dst'))).toEqual({ z: 'kept' });
});

it('a bucket of an entry that is left out is not taken for one of the main storage', async () => {
  for (const line of ['sync s3://cars dst', 'sync src s3://cars', 'doctor s3://cars']) {
    const { code, stderr, stdout } = await run([...line.split(' '), '--config', 'broken-entry.yml', '--dotenv', 'main.env'], { cwd: folder.path });
    expect(stderr).toMatch(/not looked for in the main storage while an entry has an error: broken-entry\.yml:6:\d+: my-cars\.region: expected/);
    expect([code, stdout]).toEqual([2, '']);
  }
});

it('shows the stack of an error to whoever asks for it', async () => {
  const { stderr } = await run(['sync', 'nope', 'dst'], { cwd: folder.path, env: { STOWAGE_DEBUG: '1' } });
  expect(stderr).toMatch(/CommandError: the source "nope" is not there.*\n\s+at /s);
});

it('prints help and version, and exits with 0', async () => {
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    stdout: `${(JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }).version}\n`,
  });
  for (const command of [[], ['sync'], ['copy'], ['check'], ['plan'], ['doctor'], ['certs']]) {
    const { code, stdout, stderr } = await run([...command, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Examples\n  stowage-mirror');
    expect(Math.max(...stdout.split('\n').map((text) => text.length))).toBeLessThanOrEqual(80);
  }
});

it('tells an error as an event, too', async () => {
  const { code, stdout, stderr } = await run(['sync', 'nope', 'dst', '--json'], { cwd: folder.path });
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ event: 'error', exitCode: 3, message: expect.stringContaining('is not there') as string });
  expect(stderr).toContain('is not there');
  expect(existsSync(join(folder.path, 'nope'))).toBe(false);
});
