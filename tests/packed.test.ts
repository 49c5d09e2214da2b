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
