import type { Provider } from '@stowage/core';
import { PROVIDER_PACKAGES } from '@stowage/core';
import { CommandError } from './command-error.ts';
import type { Terminal } from './terminal.ts';

/** Who asks for a package, and what imports it. */
export interface PackageImport {
  /** The command, as its users install it: `stowage-mirror`. */
  readonly command: string;
  readonly importPackage: Terminal['importPackage'];
}

/**
 * The provider's own package, loaded when a command needs it and not before: whoever works on folders loads no cloud's code, and
 * need not have it. Throws `CommandError` where it is not installed or does not fit.
 */
export async function loadProvider(name: string, from: PackageImport): Promise<Provider> {
  const packageName = PROVIDER_PACKAGES.get(name);
  if (packageName === undefined) throw new CommandError(`no package is known for the provider ${JSON.stringify(name)}`);
  return providerOf(await importInstalled(packageName, `the provider ${JSON.stringify(name)}`, from), name, packageName);
}

/** As `loadProvider`; undefined where no package of it is installed. */
export async function installedProvider(name: string, importPackage: Terminal['importPackage']): Promise<Provider | undefined> {
  const packageName = PROVIDER_PACKAGES.get(name);
  const loaded = packageName === undefined ? undefined : await importIfInstalled(packageName, importPackage);
  return packageName === undefined || loaded === undefined ? undefined : providerOf(loaded, name, packageName);
}

/** What a package that need not be installed exports. `what`: what is missing without it, to begin the message. Throws `CommandError`. */
export async function importInstalled(packageName: string, what: string, { command, importPackage }: PackageImport): Promise<Exports> {
  const loaded = await importIfInstalled(packageName, importPackage);
  if (loaded !== undefined) return loaded;
  throw new CommandError(`${what} is not installed: run "npm install ${packageName}" where ${command} is installed (with --global if it is so itself)`);
}

/** A package that is installed in a version that the command does not know. `lack`: what is wrong with it. */
export function misfit(packageName: string, lack: string): CommandError {
  return new CommandError(`the package ${packageName} ${lack}: its version does not fit; run "npm install ${packageName}@latest"`);
}

type Exports = Readonly<Record<string, unknown>>;

async function importIfInstalled(packageName: string, importPackage: Terminal['importPackage']): Promise<Exports | undefined> {
  try {
    return (await importPackage(packageName)) as Exports;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Installed but broken is another matter than not installed.
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(packageName)) throw error;
    return undefined;
  }
}

function providerOf(loaded: Exports, name: string, packageName: string): Provider {
  const provider = loaded[name];
  if (isProvider(provider)) return provider;
  throw misfit(packageName, `has no provider ${JSON.stringify(name)}`);
}

function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && 'schemes' in value && 'parseConfig' in value && 'open' in value;
}
