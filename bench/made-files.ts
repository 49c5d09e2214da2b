import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** Files of `size` bytes, 200 a folder, each with content of its own; gives their number. */
export function makeFiles(folder: string, files: number, size: number): number {
  const content = Buffer.alloc(size, 'stowage ');
  for (let i = 0; i < files; i++) {
    const parent = join(folder, String(Math.floor(i / 200)).padStart(5, '0'));
    if (i % 200 === 0) mkdirSync(parent, { recursive: true });
    if (size >= 4) content.writeUInt32LE(i, 0);
    writeFileSync(join(parent, `file-${i}.bin`), content);
  }
  return files;
}

/** One file, each mebibyte with content of its own; gives the number of files. */
export function makeLargeFile(folder: string, mebibytes: number): number {
  mkdirSync(folder, { recursive: true });
  const handle = openSync(join(folder, 'file.bin'), 'w');
  const block = Buffer.alloc(MIB);
  for (let i = 0; i < mebibytes; i++) {
    block.fill(`${i} `);
    writeSync(handle, block);
  }
  closeSync(handle);
  return 1;
}
