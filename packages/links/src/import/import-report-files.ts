import { makeFolder } from '@stowage/core';
import * as fs from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileName } from '../links-file/links-format.ts';
import type { LineOutcome } from './line-outcome.ts';

/** How long each file of a report is, by its path in the folder. */
export type ReportLengths = Readonly<Record<string, number>>;

/** Every line's outcome on disk, and what failed in a form that can be imported again. */
export interface ImportReportFiles {
  /** The folder. */
  readonly folder: string;
  /** Goes on behind what an interrupted run wrote. False where the files are not what it left: begin anew. */
  resume(lengths: ReportLengths): Promise<boolean>;
  write(outcomes: readonly LineOutcome[]): Promise<void>;
  /** As far as everything is written. */
  lengths(): ReportLengths;
  close(): Promise<void>;
}

const JSONL = 'report.jsonl';
const CSV = 'report.csv';
const COLUMNS = ['file', 'line', 'column', 'outcome', 'reason', 'message', 'link', 'dataset', 'name', 'id'] as const;

/**
 * Writes `report.jsonl` and `report.csv` with a row for each line, and `failed/<file>` with the failed lines of each file as they
 * stood, its endings and columns kept, so that it can be given back as it is. The folder is made; files of an earlier report are replaced.
 */
export function importReportFiles(folder: string): ImportReportFiles {
  return new FolderReport(folder);
}

class FolderReport implements ImportReportFiles {
  readonly folder: string;
  readonly #files = new Map<string, AppendedFile>();
  /** Whether there is a report: written, or left by an interrupted run. */
  #begun = false;

  constructor(folder: string) {
    this.folder = folder;
  }

  async resume(lengths: ReportLengths): Promise<boolean> {
    // Where it cannot be told, what is there stays.
    this.#begun = true;
    for (const [path, length] of Object.entries(lengths)) {
      this.#begun = (await sizeOf(join(this.folder, path))) >= length;
      if (!this.#begun) return false;
    }
    for (const [path, length] of Object.entries(lengths)) {
      await truncate(join(this.folder, path), length);
      this.#files.set(path, await AppendedFile.open(join(this.folder, path), length));
    }
    return true;
  }

  async write(outcomes: readonly LineOutcome[]): Promise<void> {
    const jsonl = await this.#file(JSONL);
    const csv = await this.#file(CSV, `${COLUMNS.join(',')}\n`);
    this.#begun = true;
    await jsonl.append(outcomes.map((outcome) => `${JSON.stringify(plain(outcome))}\n`).join(''));
    await csv.append(outcomes.map(csvRow).join(''));
    const failed = Map.groupBy(
      outcomes.filter(({ outcome }) => outcome === 'failed'),
      ({ file }) => file,
    );
    for (const [file, lines] of failed) await (await this.#file(failedPath(file))).append(Buffer.concat(lines.map(failedLine)));
  }

  lengths(): ReportLengths {
    return Object.fromEntries([...this.#files].map(([path, file]) => [path, file.length]));
  }

  async close(): Promise<void> {
    // A report of nothing is there, too.
    if (!this.#begun) await this.write([]);
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  async #file(path: string, head = ''): Promise<AppendedFile> {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    makeFolder(fs, join(this.folder, path, '..'));
    const file = await AppendedFile.open(join(this.folder, path), 0);
    this.#files.set(path, file);
    if (head !== '') await file.append(head);
    return file;
  }
}

/** Bytes; -1 where there is no such file. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return -1;
    throw error;
  }
}

class AppendedFile {
  readonly #handle: FileHandle;
  length: number;

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.length = length;
  }

  static async open(path: string, length: number): Promise<AppendedFile> {
    return new AppendedFile(await open(path, length === 0 ? 'w' : 'r+'), length);
  }

  async append(content: string | Buffer): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, this.length);
      written += bytesWritten;
      this.length += bytesWritten;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The file's own name, unpacked: what is read from it goes to the same dataset, by the same rules. */
function failedPath(file: string): string {
  const { format, stem } = readFileName(file === '-' ? 'standard-input.txt' : file);
  return join('failed', `${stem}.${format}`);
}

function failedLine({ row, line, message }: LineOutcome): Buffer {
  if (!row.ok && row.bytes !== undefined) return Buffer.concat([row.bytes, Buffer.from('\n')]);
  if (!row.ok && row.cut === true) return Buffer.from(`# line ${line} is left out: ${message ?? ''}\n`);
  return Buffer.from(`${row.text}\n`);
}

function plain({ row: _, ...outcome }: LineOutcome): object {
  return outcome;
}

function csvRow({ file, line, column, outcome, reason, message, link, dataset, name, id }: LineOutcome): string {
  const cells = [file, line, column, outcome, reason, message, link, dataset?.join('/'), name, id];
  return `${cells.map((cell) => csvCell(cell === undefined ? '' : String(cell))).join(',')}\n`;
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
