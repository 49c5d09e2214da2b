import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packAll, type Tarball } from '../scripts/packing.ts';
import { type Manifest, type Outcome, publishedPackages, root, run } from '../scripts/workspace.ts';

/** Long enough for npm to fetch from a slow registry. */
const installing = 180_000;

let folder: string;
let tarballs: Map<string, Tarball>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-packed-'));
  tarballs = new Map((await packAll(folder)).map((tarball) => [tarball.manifest.name, tarball]));
}, installing);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The providers of clouds and of links, each with the packages outside of the workspace that are its cloud's alone, or with their scope. */
const OWN_CODE: Readonly<Record<string, RegExp | undefined>> = {
  '@stowage/minio': /^@(?:aws-sdk|aws-crypto|smithy)(?:\/|$)/,
  '@stowage/azure': /^@azure(?:\/|$)/,
  '@stowage/google': /^@google-cloud(?:\/|$)|^(?:google-auth-library|gaxios|gtoken|gcp-metadata|teeny-request)$/,
  '@stowage/http': undefined,
};

/** The packages among these that are another provider, or code of another's cloud. */
function foreignTo(own: string | undefined, packages: readonly string[]): string[] {
  const others = Object.entries(OWN_CODE).filter(([provider]) => provider !== own);
  return packages.filter((name) => others.some(([provider, code]) => name === provider || code?.test(name) === true));
}

/** Writes down each module that is loaded, at once: a thread may be ended at any moment. */
const HOOKS = `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    appendFileSync(new URL('./loaded.txt', import.meta.url), url + '\\n');
    return next(url, context);
  },
});
`;

/** The tarball of a package and those of the workspace that it needs at run time, the needed ones too. */
function withNeeded(name: string, chosen: Set<string> = new Set()): Set<string> {
  const tarball = tarballs.get(name);
  if (tarball === undefined || chosen.has(tarball.file)) return chosen;
  chosen.add(tarball.file);
  for (const needed of Object.keys(tarball.manifest.dependencies ?? {})) withNeeded(needed, chosen);
  return chosen;
}

function npmInstall(project: string, ...what: string[]): Promise<Outcome> {
  return run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...what], project);
}

async function succeed(outcome: Promise<Outcome>): Promise<string> {
  const { code, output } = await outcome;
  expect(code, output).toBe(0);
  return output;
}

describe.each(publishedPackages().map(({ folder: from, manifest }) => ({ name: manifest.name, from, manifest })))(
  'the tarball of $name',
  ({ name, from, manifest }) => {
    let project: string;

    beforeAll(async () => {
      project = join(folder, name.replace('/', '-'));
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
      await succeed(npmInstall(project, ...withNeeded(name)));
    }, installing);

    /** What a program may import: `@stowage/core`, and any further path that it exports. */
    const entries = Object.keys(manifest.exports ?? {}).map((path) => path.replace('.', name));

    it.each(entries)('imports as an ES module and says nothing: %s', async (entry) => {
      writeFileSync(
        join(project, 'import.js'),
        `import * as all from '${entry}';\nif (Object.keys(all).length === 0) throw new Error('it exports nothing');\n`,
      );
      expect(await succeed(run(process.execPath, ['import.js'], project))).toBe('');
    });

    it('brings the code of no other cloud', () => {
      expect(foreignTo(name, readdirSync(join(project, 'node_modules')))).toEqual([]);
    });

    it.each(entries)(
      'type-checks, its own declarations included: %s',
      async (entry) => {
        await succeed(npmInstall(project, `@types/node@${installedVersion('@types/node')}`));
        writeFileSync(join(project, 'import.ts'), `import * as all from '${entry}';\n\nexport const names: string[] = Object.keys(all);\n`);
        writeFileSync(
          join(project, 'tsconfig.json'),
          JSON.stringify({
            include: ['import.ts'],
            compilerOptions: {
              module: 'nodenext',
              target: 'es2024',
              types: ['node'],
              strict: true,
              exactOptionalPropertyTypes: true,
              skipLibCheck: false,
              noEmit: true,
            },
          }),
        );
        expect(await succeed(run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], project))).toBe('');
      },
      installing,
    );

    it.each(Object.keys(manifest.bin ?? {}))('has a command %s that tells its version', async (bin) => {
      expect((await succeed(run(join(project, 'node_modules/.bin', bin), ['--version'], project))).trim()).toBe(manifest.version);
    });

    it(
      'is the same when npm packs it',
      async () => {
        const own = join(folder, `by-npm-${name.replace('/', '-')}`);
        mkdirSync(own);
        await succeed(run('npm', ['pack', '--silent', '--pack-destination', own], join(root, from)));
        const byNpm = join(own, `${name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
        const byPnpm = tarballs.get(name)?.file ?? '';
        expect(await contents(byNpm)).toEqual(await contents(byPnpm));
        expect((await packedManifest(byNpm)).dependencies).toEqual((await packedManifest(byPnpm)).dependencies);
      },
      installing,
    );
  },
);

describe('stowage-mirror', () => {
  it(
    'comes without the code of any cloud, says what to install for one, and finds it when it is there',
    async () => {
      const project = join(folder, 'mirror-and-minio');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
      writeFileSync(
        join(project, 'remote_links.yml'),
        'cars:\n  provider: minio\n  endpoint: http://127.0.0.1:1\n  access_key: a\n  secret_key: b\n  buckets: [cars]\n',
      );
      const doctor = (): Promise<Outcome> => run(join(project, 'node_modules/.bin/stowage-mirror'), ['doctor', 's3://cars'], project);
      await succeed(npmInstall(project, ...withNeeded('stowage-mirror')));
      expect(readdirSync(join(project, 'node_modules')).filter((name) => /aws|azure|google|smithy/.test(name))).toEqual([]);
      const without = await doctor();
      expect([without.code, without.output]).toEqual([2, expect.stringContaining('the provider "minio" is not installed: run "npm install @stowage/minio"')]);
      await succeed(npmInstall(project, ...withNeeded('@stowage/minio')));
      const found = await doctor();
      expect([found.code, found.output]).toEqual([4, expect.stringContaining('nobody listens at http://127.0.0.1:1')]);
    },
    installing,
  );
});

describe('where all providers are installed beside each other', () => {
  let project: string;

  beforeAll(async () => {
    project = join(folder, 'all-providers');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    const chosen = new Set<string>();
    for (const name of ['stowage-mirror', ...Object.keys(OWN_CODE)]) withNeeded(name, chosen);
    await succeed(npmInstall(project, ...chosen));
    writeFileSync(join(project, 'hooks.mjs'), HOOKS);
    for (const name of ['a', 'b']) mkdirSync(join(project, name));
    writeFileSync(join(project, 'a/photo.jpg'), 'a photograph');
    writeFileSync(
      join(project, 'remote_links.yml'),
      'cars:\n  provider: minio\n  endpoint: http://127.0.0.1:1\n  access_key: a\n  secret_key: b\n  buckets: [cars]\n',
    );
  }, installing);

  /** Names of the packages of which a program loads a file, in its threads too. */
  const loadedBy = async (...args: string[]): Promise<{ readonly code: number; readonly output: string; readonly packages: readonly string[] }> => {
    const list = join(project, 'loaded.txt');
    writeFileSync(list, '');
    const { code, output } = await run(process.execPath, ['--import', './hooks.mjs', ...args], project);
    const urls = readFileSync(list, 'utf8').split('\n');
    const names = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
    return { code, output, packages: [...new Set(names)].toSorted() };
  };

  it.each(Object.keys(OWN_CODE))('importing %s loads no code of another cloud', async (name) => {
    const { code, output, packages } = await loadedBy('--input-type=module', '-e', `await import('${name}')`);
    expect([code, output]).toEqual([0, '']);
    expect(packages).toEqual(expect.arrayContaining([name, '@stowage/core']));
    expect(foreignTo(name, packages)).toEqual([]);
  });

  const command = 'node_modules/stowage-mirror/dist/main.js';

  it.each([
    ['to tell its version', ['--version']],
    ['to help', ['--help']],
    ['to mirror a folder', ['sync', 'a', 'b', '--no-progress']],
    ['to refuse what is wrong', ['sync', 'a']],
  ])('stowage-mirror loads no provider but that of disks, and nothing of a cloud: %s', async (_, args) => {
    const { packages } = await loadedBy(command, ...args);
    expect(packages).toContain('stowage-mirror');
    expect(foreignTo(undefined, packages)).toEqual([]);
    // What reads configurations is not loaded for folders, either.
    expect(packages.filter((name) => /^(?:zod|yaml)$/.test(name))).toEqual([]);
  });

  it('stowage-mirror loads the one provider that a link names', async () => {
    const { code, packages } = await loadedBy(command, 'doctor', 's3://cars');
    expect(code).toBe(4);
    expect(packages).toContain('@stowage/minio');
    expect(foreignTo('@stowage/minio', packages)).toEqual([]);
  });
});

async function contents(tarball: string): Promise<string[]> {
  return (await succeed(run('tar', ['-tzf', tarball], root))).trim().split('\n').toSorted();
}

async function packedManifest(tarball: string): Promise<Manifest> {
  return JSON.parse(await succeed(run('tar', ['-xOzf', tarball, 'package/package.json'], root))) as Manifest;
}

/** The version that the workspace itself uses. */
function installedVersion(name: string): string {
  return (JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as Manifest).version;
}
