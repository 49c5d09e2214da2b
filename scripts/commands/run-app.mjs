// @ts-check
/**
 * Runs a built app of the workspace as if it had been installed.
 *
 * A bin of the workspace, and no script of package.json: pnpm runs a bin in the caller's own working directory, with
 * the arguments, signals and exit code as they are, and adds no line of its own, where a script gets `$ command` before
 * and `[ELIFECYCLE]` after it. Plain JavaScript in this same process: nothing is loaded or started for the detour.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '../..');

/**
 * @param {string} folder The app's folder under `apps/`.
 * @param {string} command The command's name, as in the app's `bin`.
 */
export async function runApp(folder, command) {
  const app = join(root, 'apps', folder);
  const manifest = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8'));
  const bin = join(app, manifest.bin[command]);
  if (!isBuilt(bin)) {
    process.stderr.write(`${command}: building it first…\n`);
    const { build } = await import('../workspace.ts');
    const { code, output } = await build(manifest.name);
    if (code !== 0) {
      process.stderr.write(`${output}\n${command}: the build failed (above); nothing was run\n`);
      process.exitCode = 1;
      return;
    }
  }
  process.argv.splice(1, 1, bin);
  await import(pathToFileURL(bin).href);
}

/**
 * The app's own output and that of every package that it may import.
 * @param {string} bin
 */
function isBuilt(bin) {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  return existsSync(bin) && packages.every((folder) => !isMadeByBuilding(folder) || existsSync(join(folder, 'dist/index.js')));
}

/**
 * What serves the workspace's own tests alone is run from its sources.
 * @param {string} folder
 */
function isMadeByBuilding(folder) {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return scripts?.build !== undefined;
}
