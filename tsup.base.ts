import { defineConfig, type Options } from 'tsup';

/** What every package of the workspace builds with; a package names its entries and nothing else. */
export function build(entry: string[] = ['src/index.ts'], options: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    dts: true,
    sourcemap: true,
    clean: true,
    // `node:` is part of a module's name: node:sqlite has no other.
    removeNodeProtocol: false,
    ...options,
  });
}
