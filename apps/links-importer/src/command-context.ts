import type { Catalog } from '@stowage/catalog';
import type { Storages } from '@stowage/core';
import { type Terminal, visible, write } from '@stowage/terminal';
import type { ConfigurationRequest } from '@stowage/terminal/configuration-files';
import { type CatalogPlace, openConfiguredCatalog } from './catalog-place.ts';
import { type ConfiguredStorages, openStorages, type StoragesRequest } from './configured-storages.ts';

/** The process as these commands see it. */
export interface LinksTerminal extends Terminal {
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** What every command takes. */
export interface CommonRequest extends CatalogPlace, ConfigurationRequest {
  readonly json: boolean;
  readonly progress: boolean;
}

/** One command under way: what it has opened, and how it speaks. Disposing closes what was opened. */
export class CommandContext implements AsyncDisposable {
  readonly request: CommonRequest;
  readonly terminal: LinksTerminal;
  readonly #opened: AsyncDisposable[] = [];

  constructor(request: CommonRequest, terminal: LinksTerminal) {
    this.request = request;
    this.terminal = terminal;
  }

  /** The catalog of `--db`. `create`: make it where there is none. */
  async catalog(o: { readonly create: boolean }): Promise<Catalog> {
    const catalog = await openConfiguredCatalog(this.request, o, this);
    this.#opened.push(catalog);
    return catalog;
  }

  /** An empty catalog in a temporary file, gone with the command. */
  async scratchCatalog(): Promise<Catalog> {
    const { openScratchCatalog } = await import('./catalog-place.ts');
    const { catalog, remove } = await openScratchCatalog(this.terminal.scratchFolder);
    this.#opened.push({ [Symbol.asyncDispose]: remove }, catalog);
    return catalog;
  }

  async storages(o: StoragesRequest = {}): Promise<ConfiguredStorages & { readonly storages: Storages }> {
    const opened = await openStorages(this, o);
    this.#opened.push(opened.storages);
    return opened;
  }

  /** A line for people, on standard error. */
  tell(line: string): void {
    this.terminal.stderr.write(`stowage-links: ${visible(line)}\n`);
  }

  /** What the command was asked for, on standard output. */
  print(text: string): void | Promise<void> {
    return text === '' ? undefined : write(this.terminal.stdout, text);
  }

  /** Where people read while `--json` has standard output. */
  summarise(lines: readonly string[]): void | Promise<void> {
    if (this.request.detail === 'quiet') return undefined;
    return write(this.request.json ? this.terminal.stderr : this.terminal.stdout, `${lines.join('\n')}\n`);
  }

  /** One event of `--json`. */
  emit(event: Readonly<Record<string, unknown>> & { readonly event: string }): void | Promise<void> {
    return this.request.json ? write(this.terminal.stdout, `${JSON.stringify(event)}\n`) : undefined;
  }

  time(): string {
    return this.terminal.today().toISOString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#opened.reverse()) await one[Symbol.asyncDispose]();
  }
}
