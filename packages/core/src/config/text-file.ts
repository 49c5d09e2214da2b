/** Reads a whole file; throws as `readFileSync` of `node:fs` does, which fits. */
export type ReadFile = (path: string) => Uint8Array;

export type TextFile = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly missing: boolean; readonly fault: string };

/** The reasons that people meet, in words that go behind the name of the file and "which". */
const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is no folder',
  EACCES: 'this program may not read',
  EPERM: 'this program may not read',
  EISDIR: 'is a folder',
};

/** A file of UTF-8 text, with or without a byte order mark. What it holds is in no fault. */
export function decodeText(readFile: ReadFile, path: string): TextFile {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === '') throw error;
    return { ok: false, missing: code === 'ENOENT' || code === 'ENOTDIR', fault: FAULTS[code] ?? `cannot be read (${code})` };
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    // The decoder has one reason to throw.
    return { ok: false, missing: false, fault: 'is not UTF-8 text: save it as UTF-8' };
  }
}
