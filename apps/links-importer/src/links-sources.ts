import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type LinksFormat, type LinksSource, readFileName } from '@stowage/links';
import { CommandError } from '@stowage/terminal';
import { countOf } from '@stowage/terminal/quantity-text';
import type { LinksTerminal } from './command-context.ts';
import { EXIT } from './exit-code.ts';

/** What standard input is called on the command line. */
const STDIN = '-';
const STDIN_DATASET = 'standard-input';
const CHUNK_BYTES = 256 * 1024;

/**
 * The links files of the command line, looked at before any of them is read. Throws `CommandError` where one is missing or no file,
 * and where two would make one dataset without being told so.
 */
export function linksSources(
  files: readonly string[],
  o: { readonly format?: LinksFormat; readonly oneDataset: boolean },
  terminal: LinksTerminal,
): LinksSource[] {
  const sources = files.map((file) => (file === STDIN ? stdinSource(o.format, terminal) : fileSource(file, o.format, terminal)));
  if (files.filter((file) => file === STDIN).length > 1) throw new CommandError('standard input ("-") can be read once');
  const double = [...Map.groupBy(sources, ({ dataset }) => dataset)].find(([, same]) => same.length > 1);
  if (double !== undefined && !o.oneDataset)
    throw new CommandError(
      `${countOf(double[1].length, 'file')} would become the dataset ${JSON.stringify(double[0])} (${double[1].map(({ name }) => JSON.stringify(name)).join(', ')}); name one for all with --dataset, or import them one by one`,
    );
  return sources;
}

function stdinSource(format: LinksFormat | undefined, { stdin }: LinksTerminal): LinksSource {
  return { name: STDIN, dataset: STDIN_DATASET, format: format ?? 'txt', gzip: false, open: () => stdin };
}

function fileSource(file: string, format: LinksFormat | undefined, { cwd }: LinksTerminal): LinksSource {
  const path = resolve(cwd, file);
  const found = lookAt(path, file);
  const name = readFileName(file);
  return {
    name: file,
    dataset: name.stem,
    format: format ?? name.format,
    gzip: name.gzip,
    // Of a pipe there is no second reading.
    ...(found.isFile() ? { identity: JSON.stringify([path, found.size, found.mtimeMs]) } : {}),
    open: () => readable(path, file),
  };
}

function lookAt(path: string, file: string): NonNullable<ReturnType<typeof statSync>> {
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new CommandError(
      `the links file ${JSON.stringify(file)} cannot be looked at: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      EXIT.source,
      error,
    );
  }
  if (found === undefined) throw new CommandError(`the links file ${JSON.stringify(file)} is not there`, EXIT.source);
  if (found.isDirectory())
    throw new CommandError(
      `${JSON.stringify(file)} is a folder; expected a links file: "stowage-links scan" makes one of a configured folder or bucket`,
      EXIT.source,
    );
  return found;
}

async function* readable(path: string, file: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new CommandError(
      `the links file ${JSON.stringify(file)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      EXIT.source,
      error,
    );
  }
}
