import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The root of the workspace, whatever the working directory is. */
export const root: string = join(import.meta.dirname, '..');

/** What the tools read from a package.json. */
export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  bin?: Record<string, string>;
  exports?: Record<string, unknown>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** One package or app of the workspace. */
export interface WorkspacePackage {
  /** Relative to the root: `packages/core`. */
  folder: string;
  manifest: Manifest;
}

/** The packages and apps of a workspace, in the order of their folders. */
export function workspacePackages(workspaceRoot: string = root): WorkspacePackage[] {
  return ['packages', 'apps']
    .filter((parent) => existsSync(join(workspaceRoot, parent)))
    .flatMap((parent) =>
      readdirSync(join(workspaceRoot, parent))
        .toSorted()
        .map((name) => `${parent}/${name}`),
    )
    .filter((folder) => existsSync(join(workspaceRoot, folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(workspaceRoot, folder, 'package.json'), 'utf8')) as Manifest }));
}

/** The packages that are published to npm. */
export function publishedPackages(): WorkspacePackage[] {
  return workspacePackages().filter(({ manifest }) => manifest.private !== true);
}

/** How a command ended, and all it wrote. */
export interface Outcome {
  code: number;
  output: string;
}

/** Runs a command and keeps what it writes. Nothing asks for input: there is none. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: quietEnvironment() });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString('utf8');
      resolve({ code: code ?? 1, output: signal === null ? output : `${output}\n${command} was ended by ${signal}\n` });
    });
  });
}

/** Runs a tool of the workspace (`node_modules/.bin`) at the root. */
export function runTool(tool: string, args: readonly string[]): Promise<Outcome> {
  return run(join(root, 'node_modules/.bin', tool), args, root);
}

/** Builds what changed, or one package with what it needs. Writes nothing: the output comes back. */
export function build(packageName?: string): Promise<Outcome> {
  return runTool('turbo', ['run', 'build', '--output-logs=errors-only', ...(packageName === undefined ? [] : [`--filter=${packageName}`])]);
}

/** Tools neither report home nor look for updates, and write for a log, wherever they run. */
function quietEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, ...environment } = process.env;
  return { ...environment, NO_COLOR: '1', DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };
}
