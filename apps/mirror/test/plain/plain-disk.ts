import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { sha256Of } from '../plain-s3.ts';
import type { PlainHeaders, PlainStore } from './plain-store.ts';

/** Headers lie there, a JSON file for each object that has any: docs/decisions/0011. */
const OWN = '.stowage';
/** What stands for a part of a key that is empty: docs/decisions/0010. No odd key has a part of that name. */
const EMPTY = '%00';

const pathOf = (key: string): string =>
  key
    .split('/')
    .map((part) => (part === '' ? EMPTY : part))
    .join('/');
const keyOf = (path: string): string =>
  path
    .split(sep)
    .map((part) => (part === EMPTY ? '' : part))
    .join('/');

/** Folders below `root`, which may change from test to test. */
export function plainDisk(root: { readonly path: string }): PlainStore {
  let folders = 0;
  const filesOf = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return {
    name: 'disk',
    async make() {
      const folder = join(root.path, `disk-${++folders}`);
      mkdirSync(folder);
      return folder;
    },
    link: (folder) => folder,
    entry: () => '',
    async put(folder, key, content) {
      const path = join(folder, pathOf(key));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      const then = new Date('2026-01-02T03:04:05.678Z');
      utimesSync(path, then, then);
    },
    async contents(folder) {
      const files = filesOf(folder).filter((path) => !path.startsWith(`${OWN}${sep}`));
      return Object.fromEntries(files.map((path) => [keyOf(path), sha256Of(readFileSync(join(folder, path)))]));
    },
    async headers(folder, key) {
      const kept = filesOf(folder).filter((path) => path.startsWith(join(OWN, 'meta') + sep));
      const read = kept.map((path) => JSON.parse(readFileSync(join(folder, path), 'utf8')) as { key: string; headers: PlainHeaders });
      return read.find((one) => one.key === key)?.headers ?? {};
    },
    holds: (key) => Buffer.byteLength(key) <= 1024 && key.split('/').every((part) => Buffer.byteLength(part) <= 255),
    nested: false,
  };
}
