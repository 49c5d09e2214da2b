import { constants } from 'node:fs';
import type { AccessReport } from '@stowage/core';
import { errno } from './file-system.ts';
import type { Root } from './place.ts';
import { createTemporary, removeIfThere } from './temporary-file.ts';

/** What this process may do at the root. Writing is tried with a temporary that is removed at once; folders below may have permissions of their own. */
export function probeAccess(root: Root): AccessReport {
  const list = probe(() => void root.fs.readdirSync(root.path, { encoding: 'latin1', withFileTypes: true }));
  const read = probe(() => root.fs.accessSync(root.path, constants.X_OK));
  const write = probe(() => {
    const temporary = createTemporary(root.fs, root.path);
    root.fs.closeSync(temporary.fd);
    removeIfThere(root.fs, temporary.path);
  });
  return { list, read, write, delete: write, 'list-uploads': list };
}

function probe(attempt: () => void): 'granted' | 'denied' {
  try {
    attempt();
    return 'granted';
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errno(error))) return 'denied';
    throw error;
  }
}
