import type { ObjectHeaders } from '@stowage/core';
import { FsFault } from './fault.ts';
import type { DiskWaits } from './disk-waits.ts';
import { type FileStats, type FileSystem, readSmallText, syncPath, writeAllSync } from './file-system.ts';
import { hasOwnPart, keyHash, makeOwnFolder, ownPath } from './own-folder.ts';
import { micros } from './revision.ts';
import { removeIfThere, temporaryName } from './temporary-file.ts';

/**
 * Headers, metadata and tags of an object, in a JSON file under `.stowage/meta/`. Its name holds the key's hash, and the time and
 * size of the very content that it belongs to: written before that content gets its name, it counts from the moment of the rename.
 * A file that another tool writes has no sidecar, and so no headers; copies of the whole root that keep times keep them.
 */
interface Sidecar {
  readonly key: string;
  readonly headers: ObjectHeaders;
}

/** What a sidecar is bound to. */
export type Content = Pick<FileStats, 'size' | 'mtimeMs'>;

const NO_HEADERS: ObjectHeaders = Object.freeze({});

function sidecarFolder(root: string, hash: string): string {
  return `${ownPath(root, 'meta')}/${hash.slice(0, 2)}`;
}

function sidecarPath(root: string, key: string, content: Content): string {
  const hash = keyHash(key);
  return `${sidecarFolder(root, hash)}/${hash}-${micros(content.mtimeMs).toString(36)}-${content.size.toString(36)}.json`;
}

/** What clouds give an object that was written without a content type: it says nothing (RFC 9110, 8.3), and is not worth a file beside each. */
const NO_TYPE: ReadonlySet<string> = new Set(['application/octet-stream', 'binary/octet-stream']);

function saysNothing({ contentType, ...headers }: ObjectHeaders): boolean {
  return (contentType === undefined || NO_TYPE.has(contentType)) && Object.keys(headers).length === 0;
}

/** The headers of the object whose content is the given one. A root that keeps none costs one call. */
export function readHeaders(fs: FileSystem, root: string, key: string, content: Content): ObjectHeaders {
  if (!hasOwnPart(fs, root, 'meta')) return NO_HEADERS;
  const path = sidecarPath(root, key, content);
  const text = readSmallText(fs, path);
  return text === undefined ? NO_HEADERS : parseSidecar(text, key, path.slice(root.length + 1));
}

function parseSidecar(text: string, key: string, name: string): ObjectHeaders {
  const damaged = new FsFault('Unknown', `its headers in ${JSON.stringify(name)} are damaged; restore that file, or remove it and set the headers again`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged;
  }
  if (!isSidecar(value)) throw damaged;
  return value.key === key ? value.headers : NO_HEADERS;
}

function isSidecar(value: unknown): value is Sidecar {
  return (
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    typeof value.key === 'string' &&
    'headers' in value &&
    typeof value.headers === 'object' &&
    value.headers !== null
  );
}

/** A sidecar that is written, and has not its name yet. */
export interface WrittenSidecar {
  readonly temporary: string;
  readonly path: string;
}

/**
 * Writes the headers of content that is about to get its name; nothing for empty headers. They go through a temporary, as a sidecar
 * of the same name may be in use: where headers are set anew, and on disks whose times are coarse.
 */
export function writeHeaders(fs: FileSystem, root: string, key: string, headers: ObjectHeaders, content: Content): WrittenSidecar | undefined {
  if (saysNothing(headers)) return undefined;
  const path = sidecarPath(root, key, content);
  makeOwnFolder(fs, root, folderOf(path));
  makeOwnFolder(fs, root, ownPath(root, 'tmp'));
  const temporary = `${ownPath(root, 'tmp')}/${temporaryName()}`;
  const sidecar: Sidecar = { key, headers };
  try {
    const fd = fs.openSync(temporary, 'wx', 0o666);
    try {
      writeAllSync(fs, fd, Buffer.from(JSON.stringify(sidecar)), 0);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    removeIfThere(fs, temporary);
    throw error;
  }
  return { temporary, path };
}

/** Gives a written sidecar its name: from now on it counts, if there is content that it is bound to. */
export function nameHeaders(fs: FileSystem, { temporary, path }: WrittenSidecar): void {
  fs.renameSync(temporary, path);
}

/** Makes the content of a sidecar durable, before it gets its name. */
export async function syncHeaders(fs: FileSystem, written: WrittenSidecar): Promise<void> {
  await syncPath(fs, written.temporary);
}

/** Writes, makes durable where asked, and names the headers; gives the sidecar's path. */
export async function putHeaders(
  fs: FileSystem,
  root: string,
  key: string,
  headers: ObjectHeaders,
  content: Content,
  waits: DiskWaits | undefined,
): Promise<string | undefined> {
  const written = writeHeaders(fs, root, key, headers, content);
  if (written === undefined) return undefined;
  try {
    await waits?.content(written.temporary);
    nameHeaders(fs, written);
  } catch (error) {
    removeIfThere(fs, written.temporary);
    throw error;
  }
  await waits?.names([folderOf(written.path)]);
  return written.path;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Binds a sidecar to content whose time was set anew after it was written. */
export function rebindHeaders(fs: FileSystem, root: string, key: string, written: string, content: Content): string {
  const path = sidecarPath(root, key, content);
  if (path !== written) fs.renameSync(written, path);
  return path;
}

/** Removes the headers of content that is no more, unless they are those of the content in its place. */
export function removeHeaders(fs: FileSystem, root: string, key: string, content: Content, inUse?: string): void {
  if (!hasOwnPart(fs, root, 'meta')) return;
  const path = sidecarPath(root, key, content);
  if (path !== inUse) removeIfThere(fs, path);
}
