import { readFile, stat } from 'node:fs/promises';
import { quoted } from '@stowage/core';
import { configError, systemCode } from './sign-in-error.ts';

const MAX_BYTES = 1024 * 1024;

/** The text of a file that configuration names: a regular, small one. `what` begins the message: "web_identity_token_file". */
async function readSmallFile(what: string, path: string, signal: AbortSignal | undefined): Promise<string> {
  let text: string;
  try {
    const found = await stat(path);
    if (!found.isFile()) throw configError(`${what}: ${quoted(path)} is no regular file`);
    if (found.size > MAX_BYTES) throw configError(`${what}: ${quoted(path)} has ${found.size} bytes; that is no such file`);
    text = await readFile(path, { encoding: 'utf8', ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    const code = systemCode(error);
    if (code === 'Config') throw error;
    if (code === 'ENOENT') throw configError(`${what}: there is no file ${quoted(path)}`);
    if (code === 'EACCES' || code === 'EPERM') throw configError(`${what}: no permission to read ${quoted(path)}`);
    throw configError(`${what}: cannot read ${quoted(path)} (${code})`);
  }
  return text;
}

/** A token in a file, read anew at each call: whoever issued it replaces it from time to time. */
export async function readTokenFile(what: string, path: string, signal: AbortSignal | undefined): Promise<string> {
  const token = (await readSmallFile(what, path, signal)).trim();
  if (token === '') throw configError(`${what}: ${quoted(path)} is empty`);
  // A line break in a header would begin another header.
  if (/[^\x20-\x7e]/.test(token)) throw configError(`${what}: ${quoted(path)} holds more than one line, or characters that no token has`);
  return token;
}
