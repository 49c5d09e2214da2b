/** Who may import whom (ARCHITECTURE.md), checked by `pnpm check` over every package.json and every import of the workspace. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { root, type WorkspacePackage, workspacePackages } from './workspace.ts';

/** A package's place in the house decides which packages of the workspace its sources may import. */
type Place = 'core' | 'conformance' | 'wire' | 'provider' | 'engine' | 'workflow' | 'app' | 'test-servers';

/** Every package has its place here; one without is a violation, so that nobody adds a package past the rule. */
const placeOf: Record<string, Place> = {
  'packages/core': 'core',
  'packages/conformance': 'conformance',
  'packages/wire': 'wire',
  'packages/fs': 'provider',
  'packages/http': 'provider',
  'packages/minio': 'provider',
  'packages/azure': 'provider',
  'packages/google': 'provider',
  'packages/test-servers': 'test-servers',
  'packages/transfer': 'engine',
  'packages/catalog': 'engine',
  'packages/cache': 'engine',
  'packages/links': 'workflow',
  'packages/terminal': 'engine',
  'apps/mirror': 'app',
  'apps/links-importer': 'app',
  'apps/gateway': 'app',
};

const mayImport: Record<Place, readonly Place[]> = {
  core: [],
  conformance: ['core'],
  wire: ['core'],
  provider: ['core', 'wire'],
  engine: ['core'],
  workflow: ['core', 'engine'],
  app: ['core', 'provider', 'engine', 'workflow'],
  'test-servers': [],
};

/** Tests may also use the suite and, to have real storage at hand, the providers and the servers. */
const testsMayImport: readonly Place[] = ['core', 'conformance', 'provider', 'test-servers'];

/** A cloud's SDK is named by its own provider alone: installing one provider brings no other cloud's code. */
const sdkOwner: readonly { sdk: RegExp; owner: string }[] = [
  { sdk: /^(?:@aws-sdk|@smithy|@aws-crypto)\/|^aws-sdk$/, owner: 'packages/minio' },
  { sdk: /^@azure\//, owner: 'packages/azure' },
  { sdk: /^@google-cloud\/|^google-auth-library$|^gaxios$/, owner: 'packages/google' },
];

/** Every violation in a workspace, one line each: where, what, and the rule. */
export function dependencyViolations(workspaceRoot: string = root): string[] {
  const packages = workspacePackages(workspaceRoot);
  const byName = new Map(packages.map((one) => [one.manifest.name, one]));
  return packages.flatMap((one) => {
    const place = placeOf[one.folder];
    if (place === undefined) return [`${one.folder}: has no place in scripts/dependency-rule.ts; give it one`];
    return manifestViolations(one, place, byName).concat(importViolations(workspaceRoot, one, place, byName));
  });
}

function manifestViolations({ folder, manifest }: WorkspacePackage, place: Place, byName: Map<string, WorkspacePackage>): string[] {
  const found: string[] = [];
  const runTime = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  for (const [specifiers, allowed] of [
    [runTime, mayImport[place]],
    [manifest.devDependencies ?? {}, [...mayImport[place], ...testsMayImport]],
  ] as const) {
    for (const [name, specifier] of Object.entries(specifiers)) {
      const target = byName.get(name);
      if (target !== undefined) {
        found.push(...unlessAllowed(`${folder}/package.json`, place, target, allowed));
        const linked = specifier === `^${target.manifest.version}` || (specifier === 'workspace:*' && !(name in runTime));
        if (!linked) {
          found.push(`${folder}/package.json: wants ${name} ${specifier}; write ^${target.manifest.version}, or it would come from the registry`);
        }
      }
      const owner = foreignSdk(folder, name);
      if (owner !== undefined) found.push(`${folder}/package.json: names ${name}; a cloud SDK is named by its own provider alone (${owner})`);
    }
  }
  return found;
}

function importViolations(workspaceRoot: string, { folder, manifest }: WorkspacePackage, place: Place, byName: Map<string, WorkspacePackage>): string[] {
  const found: string[] = [];
  for (const file of sourceFiles(join(workspaceRoot, folder))) {
    const where = relative(workspaceRoot, file).split(sep).join('/');
    const isSource = where.startsWith(`${folder}/src/`);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) {
        const inside = !relative(join(workspaceRoot, folder), join(dirname(file), specifier)).startsWith('..');
        if (!inside) found.push(`${where}: imports ${specifier}, which lies outside of ${folder}; import a package by its name`);
        continue;
      }
      if (specifier.startsWith('node:')) continue;
      const name = packageName(specifier);
      const target = byName.get(name);
      if (target !== undefined) {
        if (specifier !== name && !(specifier.slice(name.length).replace('/', './') in (target.manifest.exports ?? {}))) {
          found.push(`${where}: imports ${specifier}, which ${name} does not export`);
        }
        if (name !== manifest.name) found.push(...unlessAllowed(where, place, target, isSource ? mayImport[place] : [...mayImport[place], ...testsMayImport]));
      }
      const owner = foreignSdk(folder, name);
      if (owner !== undefined) found.push(`${where}: imports ${specifier}; a cloud SDK is used by its own provider alone (${owner})`);
    }
  }
  return found;
}

function unlessAllowed(where: string, place: Place, target: WorkspacePackage, allowed: readonly Place[]): string[] {
  const targetPlace = placeOf[target.folder];
  if (targetPlace !== undefined && allowed.includes(targetPlace)) return [];
  const may = allowed.length === 0 ? 'nothing of the workspace' : [...new Set(allowed)].join(', ');
  return [`${where}: ${place} uses ${target.manifest.name} (${targetPlace ?? 'no place'}); it may use ${may}`];
}

function foreignSdk(folder: string, name: string): string | undefined {
  const rule = sdkOwner.find(({ sdk }) => sdk.test(name));
  return rule !== undefined && rule.owner !== folder ? rule.owner : undefined;
}

/** The package that an import specifier names: `@scope/name/path` is `@scope/name`. */
function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Static imports, exports from, `import()` and `import type` of one file. */
function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles.map(({ fileName }) => fileName);
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => /^(?:src|test)[/\\]/.test(relative(folder, file)));
}
