import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** Files of `size` bytes, 200 a folder, each with content of its own; gives their number. */
export function makeFiles(folder: string, files: number, size: number): number {
  const content = Buffer.alloc(size, 'stowage ');
  return makeEach(folder, files, (path, i) => {
    if (size >= 4) content.writeUInt32LE(i, 0);
    writeFileSync(path, content);
  });
}

/** As many files of that size, without blocks on the disk: for works that read no content. */
export function makeHollowFiles(folder: string, files: number, size: number): number {
  return makeEach(folder, files, (path) => {
    writeFileSync(path, '');
    truncateSync(path, size);
  });
}

function makeEach(folder: string, files: number, make: (path: string, i: number) => void): number {
  for (let i = 0; i < files; i++) {
    const parent = join(folder, String(Math.floor(i / 200)).padStart(5, '0'));
    if (i % 200 === 0) mkdirSync(parent, { recursive: true });
    make(join(parent, `file-${i}.bin`), i);
  }
  return files;
}

/** One file, each mebibyte with content of its own; gives the number of files. */
export function makeLargeFile(folder: string, mebibytes: number, name = 'file.bin'): number {
  mkdirSync(folder, { recursive: true });
  const handle = openSync(join(folder, name), 'w');
  const block = Buffer.alloc(MIB);
  for (let i = 0; i < mebibytes; i++) {
    block.fill(`${name} ${i} `);
    writeSync(handle, block);
  }
  closeSync(handle);
  return 1;
}
