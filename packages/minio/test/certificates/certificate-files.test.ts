import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AUTHORITY_FILES, CLIENT_FILES, writePair } from '../../src/certificates/certificate-files.ts';
import { failureOf } from '../credentials/services/canaries.ts';
import { temporaryFolder } from '../credentials/services/openssl.ts';

const PAIR = { certificate: 'the certificate\n', privateKey: 'the-key-canary-0050\n' };
const SECRETS = ['the-key-canary-0050'];

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('writePair', () => {
  it('writes both for their owner alone, into a folder of its own', async () => {
    using folder = temporaryFolder();
    const place = join(folder.path, 'a', 'b');
    const previous = process.umask(0);
    try {
      expect(await writePair(place, AUTHORITY_FILES, PAIR)).toEqual({ certificate: join(place, 'ca.crt'), privateKey: join(place, 'ca.key') });
    } finally {
      process.umask(previous);
    }
    expect([await mode(join(place, 'ca.key')), await mode(join(place, 'ca.crt')), await mode(place)]).toEqual([0o600, 0o600, 0o700]);
    expect(await readFile(join(place, 'ca.key'), 'utf8')).toBe(PAIR.privateKey);
    await writePair(place, CLIENT_FILES, PAIR);
    expect((await readdir(place)).sort()).toEqual(['ca.crt', 'ca.key', 'company.key', 'company.pem']);
  });

  it.each(['ca.key', 'ca.crt'])('leaves everything as it is where %s is there', async (there) => {
    using folder = temporaryFolder();
    await writeFile(join(folder.path, there), 'precious');
    const failure = await failureOf(() => writePair(folder.path, AUTHORITY_FILES, PAIR), SECRETS);
    expect(failure).toMatchObject({ code: 'Config', message: expect.stringContaining(`${there}" is there already`) });
    expect(await readdir(folder.path)).toEqual([there]);
    expect(await readFile(join(folder.path, there), 'utf8')).toBe('precious');
  });

  it('lets one of several win, whole', async () => {
    using folder = temporaryFolder();
    const pairs = ['1', '2', '3', '4', '5'].map((name) => ({ certificate: `certificate ${name}`, privateKey: `key ${name}` }));
    const outcomes = await Promise.allSettled(pairs.map((pair) => writePair(folder.path, AUTHORITY_FILES, pair)));
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readFile(join(folder.path, 'ca.key'), 'utf8')).toBe(pairs[winner]?.privateKey);
    expect(await readFile(join(folder.path, 'ca.crt'), 'utf8')).toBe(pairs[winner]?.certificate);
  });

  it('does not follow a link that leads elsewhere, be it to nothing', async () => {
    using folder = temporaryFolder();
    const elsewhere = join(folder.path, 'elsewhere');
    const place = join(folder.path, 'place');
    await mkdir(place);
    await symlink(elsewhere, join(place, 'ca.key'));
    await failureOf(() => writePair(place, AUTHORITY_FILES, PAIR), SECRETS);
    await writePair(place, AUTHORITY_FILES, PAIR, { force: true });
    expect(await readdir(folder.path)).toEqual(['place']);
    expect(await readFile(join(place, 'ca.key'), 'utf8')).toBe(PAIR.privateKey);
  });

  it('replaces by force, and narrows what was open', async () => {
    using folder = temporaryFolder();
    await writeFile(join(folder.path, 'ca.key'), 'old');
    await chmod(join(folder.path, 'ca.key'), 0o644);
    await writePair(folder.path, AUTHORITY_FILES, PAIR, { force: true });
    expect(await mode(join(folder.path, 'ca.key'))).toBe(0o600);
    expect((await readdir(folder.path)).sort()).toEqual(['ca.crt', 'ca.key']);
  });

  it('takes back the key when the certificate cannot be written, and says why', async () => {
    using folder = temporaryFolder();
    const files = { certificate: join('none', 'ca.crt'), privateKey: 'ca.key' };
    expect((await failureOf(() => writePair(folder.path, files, PAIR), SECRETS)).message).toMatch(/cannot write .*ca\.crt" \(ENOENT\)/);
    expect(await readdir(folder.path)).toEqual([]);
    await writeFile(join(folder.path, 'file'), '');
    expect((await failureOf(() => writePair(join(folder.path, 'file'), AUTHORITY_FILES, PAIR), SECRETS)).message).toMatch(
      /file" is a file; expected a folder$/,
    );
  });
});
