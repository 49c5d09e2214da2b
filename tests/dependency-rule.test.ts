import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dependencyViolations } from '../scripts/dependency-rule.ts';

/** A small workspace that keeps the rule; each test breaks it in one place. */
const sound: Record<string, string> = {
  'packages/core/package.json': '{ "name": "@stowage/core", "version": "0.1.0", "exports": { ".": {} } }',
  'packages/core/src/index.ts': "import { join } from 'node:path';\nexport { join };\n",
  'packages/conformance/package.json': '{ "name": "@stowage/conformance", "version": "0.1.0", "dependencies": { "@stowage/core": "^0.1.0" } }',
  'packages/fs/package.json':
    '{ "name": "@stowage/fs", "version": "0.1.0", "dependencies": { "@stowage/core": "^0.1.0" }, "devDependencies": { "@stowage/conformance": "workspace:*" } }',
  'packages/fs/src/index.ts': "import '@stowage/core';\nimport './inside.ts';\n",
  'packages/fs/src/inside.ts': 'export {};\n',
  'packages/fs/test/conformance.test.ts': "import '@stowage/conformance';\nimport '../src/index.ts';\n",
  'packages/azure/package.json': '{ "name": "@stowage/azure", "version": "0.1.0", "dependencies": { "@azure/storage-blob": "1", "@stowage/core": "^0.1.0" } }',
  'packages/azure/src/index.ts': "import '@azure/storage-blob';\n",
  'packages/transfer/package.json': '{ "name": "@stowage/transfer", "version": "0.1.0", "dependencies": { "@stowage/core": "^0.1.0" } }',
  'apps/mirror/package.json': '{ "name": "stowage-mirror", "version": "0.1.0", "dependencies": { "@stowage/fs": "^0.1.0", "@stowage/transfer": "^0.1.0" } }',
  'apps/mirror/src/main.ts': "const fs = await import('@stowage/fs');\nexport { fs };\n",
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-rule-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function violations(seeded: Record<string, string>): string[] {
  for (const [path, content] of Object.entries({ ...sound, ...seeded })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return dependencyViolations(folder);
}

describe('the dependency rule', () => {
  it('finds nothing where it is kept', () => {
    expect(violations({})).toEqual([]);
  });

  it.each<[what: string, path: string, content: string, finding: string]>([
    ['core imports a provider', 'packages/core/src/seed.ts', "import '@stowage/fs';", 'core uses @stowage/fs (provider); it may use nothing of the workspace'],
    ['core imports a type of a provider', 'packages/core/src/seed.ts', "import type { X } from '@stowage/fs';", 'core uses @stowage/fs'],
    [
      'core depends on the engine',
      'packages/core/package.json',
      '{ "name": "@stowage/core", "version": "0.1.0", "dependencies": { "@stowage/transfer": "^0.1.0" } }',
      'core uses @stowage/transfer',
    ],
    [
      'a provider imports another',
      'packages/fs/src/seed.ts',
      "export { x } from '@stowage/azure';",
      'provider uses @stowage/azure (provider); it may use core, wire',
    ],
    ['a provider imports the engine', 'packages/fs/src/seed.ts', "await import('@stowage/transfer');", 'provider uses @stowage/transfer'],
    ['a provider ships the suite', 'packages/fs/src/seed.ts', "import '@stowage/conformance';", 'provider uses @stowage/conformance'],
    ['the engine imports a provider', 'packages/transfer/src/seed.ts', "import '@stowage/fs';", 'engine uses @stowage/fs (provider)'],
    ['a package imports an app', 'packages/transfer/src/seed.ts', "import 'stowage-mirror';", 'engine uses stowage-mirror (app)'],
    ['a test imports an app', 'packages/transfer/test/seed.test.ts', "import 'stowage-mirror';", 'engine uses stowage-mirror (app)'],
    ['a path leads into another package', 'packages/fs/src/seed.ts', "import '../../core/src/index.ts';", 'lies outside of packages/fs'],
    ['a file of another package is reached by name', 'packages/fs/src/seed.ts', "import '@stowage/core/src/index.ts';", 'which @stowage/core does not export'],
    [
      'a cloud SDK is imported by another provider',
      'packages/fs/src/seed.ts',
      "import '@azure/storage-blob/x';",
      'used by its own provider alone (packages/azure)',
    ],
    [
      'a cloud SDK is named by core',
      'packages/core/package.json',
      '{ "name": "@stowage/core", "version": "0.1.0", "dependencies": { "@aws-sdk/client-s3": "3" } }',
      'names @aws-sdk/client-s3',
    ],
    [
      'a cloud SDK is named for tests',
      'packages/fs/package.json',
      '{ "name": "@stowage/fs", "version": "0.1.0", "devDependencies": { "@google-cloud/storage": "7" } }',
      'names @google-cloud/storage',
    ],
    [
      'a range reaches for the registry',
      'packages/fs/package.json',
      '{ "name": "@stowage/fs", "version": "0.1.0", "dependencies": { "@stowage/core": "^0.2.0" } }',
      'write ^0.1.0, or it would come from the registry',
    ],
    ['a package has no place', 'packages/extra/package.json', '{ "name": "@stowage/extra", "version": "0.1.0" }', 'packages/extra: has no place'],
  ])('catches: %s', (_what, path, content, finding) => {
    const found = violations({ [path]: content });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(path.startsWith('packages/extra') ? 'packages/extra' : path);
    expect(found[0]).toContain(finding);
  });
});
