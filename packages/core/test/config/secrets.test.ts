import { inspect } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { loadConfig, parseEnvFile, parseRemoteLinks, readEnvironment, type RemoteLinksOptions } from '../../src/config/index.ts';

const CANARY = 'cAnArY/SeCrEt+0123456789/abcdefghijklmnopq';
const options: RemoteLinksOptions = { env: { SECRET: CANARY }, folder: '/etc', readFile: () => Buffer.from(`${CANARY}\n`) };

/** Every field that may hold a secret holds the canary, in every form that a value may have. */
const text = `cars:
  provider: minio
  endpoint: minio.local:9000
  access_key: id
  secret_key: ${CANARY}
  session_token: '${CANARY}'
  buckets: [one]
boats:
  provider: azure
  endpoint: https://acc.blob.core.windows.net
  access_key: acc
  secret_key: "?sv=1&sig=${CANARY}"
  buckets: [two]
anywhere:
  provider: minio
  trust_anchor_arn: a
  profile_arn: b
  iam_role: c
  iam_role_cert: |
    ${CANARY}
  iam_role_key: ${CANARY}
  buckets: [three]
by reference:
  provider: minio
  endpoint: minio
  access_key: \${SECRET}
  secret_key: { file: secret.txt }
  buckets: [four]
misspelt:
  provider: minio
  secretkey: ${CANARY}
  secret_kye: "${CANARY}
    ${CANARY}"
  buckets: [five]
`;

/** Everything that a program could print of it. */
function printed(value: unknown): string {
  return [JSON.stringify(value), inspect(value, { depth: 20, showHidden: true }), inspect(value, { depth: 20 })].join('\n');
}

describe('secrets', () => {
  it('are in no problem, and in nothing that is printed of what was read', () => {
    const read = parseRemoteLinks(text, options);
    expect(read.entries.map(({ settings }) => Object.values(settings).some((value) => String(value).includes(CANARY)))).toEqual([true, true, true]);
    expect(read.errors.length).toBeGreaterThan(2);
    expect(printed(read)).not.toContain(CANARY);
  });

  it('stay out of messages whatever is cut out of the file', () => {
    fc.assert(
      fc.property(fc.nat(text.length), fc.integer({ min: 1, max: 4 }), (start, length) => {
        expect(JSON.stringify(parseRemoteLinks(text.slice(0, start) + text.slice(start + length), options))).not.toContain(CANARY.slice(5, 30));
      }),
      { numRuns: 1_500 },
    );
  });

  it('stay out of messages whatever is put into the file', () => {
    const piece = fc.constantFrom(
      '"',
      "'",
      '*',
      '!',
      '&',
      '@',
      '`',
      '%',
      '?',
      '{',
      '}',
      '[',
      ']',
      '|',
      '>',
      '\t',
      '\n',
      '\n  ',
      ' #',
      ', ',
      '${',
      '<<',
      '---\n',
    );
    fc.assert(
      fc.property(fc.nat(text.length), piece, (at, inserted) => {
        expect(JSON.stringify(parseRemoteLinks(text.slice(0, at) + inserted + text.slice(at), options))).not.toContain(CANARY.slice(5, 30));
      }),
      { numRuns: 1_500 },
    );
  });

  it('of the environment stay out of messages and of what is printed', () => {
    const wrong = [
      { STORAGE_PROVIDER: 'minio', STORAGE_ACCESS_KEY: CANARY },
      { STORAGE_PROVIDER: 'azure', STORAGE_ENDPOINT: `https://a/?sig=${CANARY}`, STORAGE_ACCESS_KEY: 'a', STORAGE_SECRET_KEY: `*${CANARY}` },
      { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: `https://i:${CANARY}@minio`, STORAGE_ACCESS_KEY: 'i', STORAGE_SECRET_KEY: CANARY },
      { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: 'minio', STORAGE_ACCESS_KEY: CANARY, STORAGE_SECRET_KEY: CANARY },
      { STORAGE_PROVIDER: CANARY },
      { STORAGE_SECRET_KEY: CANARY, STORAGE_SECRT_KEY: CANARY },
    ];
    for (const env of wrong) expect(printed(readEnvironment(env, { folder: '/' }))).not.toContain(CANARY);
  });

  it('of a file of variables stay out of messages', () => {
    for (const line of [`A="${CANARY}`, `A='${CANARY}'x`, CANARY, `${CANARY}=`, `1=${CANARY}`, `A=${CANARY}\nA=${CANARY}`]) {
      const { errors, warnings } = parseEnvFile(line, '.env');
      expect([...errors, ...warnings].length, line).toBeGreaterThan(0);
      expect(printed({ errors, warnings })).not.toContain(CANARY);
    }
  });

  it('stay out of what a whole configuration prints', () => {
    const files: Readonly<Record<string, string>> = {
      '/w/.env': `STORAGE_PROVIDER=minio\nSTORAGE_ENDPOINT=minio\nSTORAGE_ACCESS_KEY=i\nSTORAGE_SECRET_KEY=${CANARY}\n`,
      '/w/remote_links.yml': text,
    };
    const config = loadConfig({ env: {}, envFile: '.env', cwd: '/w', readFile: (path) => Buffer.from(files[path] ?? CANARY) });
    expect(config.main?.settings['secret_key']).toBe(CANARY);
    expect(printed(config)).not.toContain(CANARY);
    expect(inspect(config.main?.settings)).toContain("secret_key: '[hidden]'");
  });
});
