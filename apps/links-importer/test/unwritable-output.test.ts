import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plant, run, useFolder } from './command.ts';

const folder = useFolder();

it.each([
  ['import', 'l.txt', '--project', 'P', '--report-dir', 'file/report'],
  ['import', 'l.txt', '--project', 'P', '--report-dir', '/proc/report'],
  ['check', '--report', 'file/findings'],
  ['scan', 'fs://pics', '-o', 'missing/l.txt'],
])('a place that cannot be written is told in one plain line: %s', async (...args) => {
  plant(folder.path, { 'pics/1.jpg': 'one', file: 'no folder' });
  writeFileSync(join(folder.path, 'l.txt'), 'fs://pics/1.jpg\n');
  await run(folder.path, ['projects', 'create', 'P', '--type', 'images']);
  const { code, stderr } = await run(folder.path, args);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^stowage-links: "[^"]*\/(?:file\/report|proc\/report|file\/findings|missing\/l\.txt)" cannot be used: \w+ gives (?:ENOTDIR|ENOENT); [^\n]*\n$/,
  );
});
