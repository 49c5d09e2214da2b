import type { Provider } from '@stowage/core';
import { PROVIDER_PACKAGES } from '@stowage/core/config';
import { CommandError } from './command-error.ts';

/** Imports a package by its name; rejects as `import()` does. */
export type ImportPackage = (name: string) => Promise<unknown>;

/**
 * The provider's own package, loaded when a command needs it and not before: whoever mirrors folders loads no cloud's code, and
 * need not have it. Throws `CommandError` where it is not installed or does not fit.
 */
export async function loadProvider(name: string, importPackage: ImportPackage): Promise<Provider> {
  const packageName = PROVIDER_PACKAGES.get(name);
  if (packageName === undefined) throw new CommandError(`no package is known for the provider ${JSON.stringify(name)}`);
  const loaded = await importInstalled(packageName, `the provider ${JSON.stringify(name)}`, importPackage);
  const provider = loaded[name];
  if (!isProvider(provider)) throw misfit(packageName, `has no provider ${JSON.stringify(name)}`);
  return provider;
}

/** What a package that need not be installed exports. `what`: what is missing without it, to begin the message. Throws `CommandError`. */
export async function importInstalled(packageName: string, what: string, importPackage: ImportPackage): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await importPackage(packageName)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Installed but broken is another matter than not installed.
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(packageName)) throw error;
    throw new CommandError(
      `${what} is not installed: run "npm install ${packageName}" where stowage-mirror is installed (with --global if it is so itself)`,
      undefined,
      error,
    );
  }
}

/** A package that is installed in a version that this command does not know. */
export function misfit(packageName: string, lack: string): CommandError {
  return new CommandError(`the package ${packageName} ${lack}: its version does not fit; run "npm install ${packageName}@latest"`);
}

function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && 'schemes' in value && 'parseConfig' in value && 'open' in value;
}
