import type { Link } from '@stowage/core';
import { endingOf } from './media-type.ts';

/**
 * The name of what a link stands for: the last segment of its key. Of an http link, the last segment of its path, without query and
 * fragment, and percent-decoded where that gives a name; of one without a path, its host.
 */
export function entityName(link: Link): string {
  if (link.kind === 'object') return link.key.slice(link.key.lastIndexOf('/') + 1);
  const start = link.url.indexOf('://') + 3;
  const cut = link.url.slice(start).search(/[?#]/);
  const path = cut < 0 ? link.url.slice(start) : link.url.slice(start, start + cut);
  const slash = path.lastIndexOf('/');
  const name = slash < 0 ? '' : decoded(path.slice(slash + 1));
  return name === '' ? hostOf(path) : name;
}

/** The folders above a link's name: of an object's key, and of an http link its host and the folders of its path, decoded. */
export function entityFolders(link: Link): readonly string[] {
  if (link.kind === 'object')
    return link.key
      .split('/')
      .slice(0, -1)
      .filter((part) => part !== '');
  const start = link.url.indexOf('://') + 3;
  const cut = link.url.slice(start).search(/[?#]/);
  const path = cut < 0 ? link.url.slice(start) : link.url.slice(start, start + cut);
  const [host = '', ...folders] = path.split('/').slice(0, path.includes('/') ? -1 : undefined);
  return [hostOf(host), ...folders.map(decoded)].filter((part) => part !== '');
}

/** The nth name for one that is taken, from 1: `a_01.jpg`, `a_02.jpg`, …, `a_100.jpg`. */
export function numberedName(name: string, n: number): string {
  const ending = endingOf(name);
  const stem = ending === '' ? name : name.slice(0, -(ending.length + 1));
  return `${stem}_${String(n).padStart(2, '0')}${name.slice(stem.length)}`;
}

/** Without credentials. */
function hostOf(path: string): string {
  const host = path.split('/', 1)[0] ?? '';
  return host.slice(host.lastIndexOf('@') + 1);
}

/** As it stands where it is no percent-encoded UTF-8, or holds a slash, which would make folders of a name, or a NUL, which no catalog on PostgreSQL could keep. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    const plain = decodeURIComponent(segment);
    return /[/\0]/.test(plain) ? segment : plain;
  } catch {
    return segment;
  }
}
