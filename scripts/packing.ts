import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Manifest, publishedPackages, root, run, runTool } from './workspace.ts';

/** A package as npm would serve it. */
export interface Tarball {
  manifest: Manifest;
  folder: string;
  /** The path of the .tgz. */
  file: string;
}

/** Packs every published package, as publishing does, each into its place under a folder: a scope and a name can make the name of another's file. Needs a build. */
export function packAll(destination: string): Promise<Tarball[]> {
  return Promise.all(
    publishedPackages().map(async ({ folder, manifest }) => {
      const own = join(destination, folder);
      mkdirSync(own, { recursive: true });
      const { code, output } = await run('pnpm', ['pack', '--silent', '--pack-destination', own], join(root, folder));
      if (code !== 0) throw new Error(`pnpm pack failed in ${folder}:\n${output}`);
      const file = join(own, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
      return { manifest, folder, file };
    }),
  );
}

/** What publint and "are the types wrong" find in the tarballs, one entry for each package with something wrong. */
export async function packagingProblems(): Promise<string[]> {
  const destination = mkdtempSync(join(tmpdir(), 'stowage-pack-'));
  try {
    const problems: string[] = [];
    for (const { folder, file, manifest } of await packAll(destination)) {
      const checks = [runTool('publint', ['run', '--strict', file])];
      if (manifest.exports !== undefined) checks.push(runTool('attw', ['--profile', 'esm-only', '--no-emoji', '--no-color', file]));
      for (const { code, output } of await Promise.all(checks)) {
        if (code !== 0) problems.push(`${folder}:\n${output.trim()}`);
      }
      const license = await run('tar', ['-xOzf', file, 'package/LICENSE'], root);
      if (license.code !== 0 || license.output !== readFileSync(join(root, 'LICENSE'), 'utf8')) {
        problems.push(`${folder}: its tarball has no LICENSE, or another than the root's: cp LICENSE ${folder}/`);
      }
    }
    return problems;
  } finally {
    rmSync(destination, { recursive: true, force: true });
  }
}
