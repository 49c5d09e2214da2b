import type { Provider } from '@stowage/core';
import { PROVIDER_PACKAGES } from '@stowage/core';
import { CommandError } from './command-error.ts';

/** Imports a package by its name; rejects as `import()` does. */
export type ImportPackage = (name: string) => Promise<unknown>;

/**
 * The provider's own package, loaded when a command needs it and not before; undefined where it is not installed. Throws
 * `CommandError` where it does not fit.
 */
export async function installedProvider(name: string, importPackage: ImportPackage): Promise<Provider | undefined> {
  const packageName = PROVIDER_PACKAGES.get(name);
  if (packageName === undefined) return undefined;
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = (await importPackage(packageName)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Installed but broken is another matter than not installed.
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(packageName)) return undefined;
    throw error;
  }
  const provider = loaded[name];
  if (isProvider(provider)) return provider;
  throw new CommandError(
    `the package ${packageName} has no provider ${JSON.stringify(name)}: its version does not fit; run "npm install ${packageName}@latest"`,
  );
}

function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && 'schemes' in value && 'parseConfig' in value && 'open' in value;
}
