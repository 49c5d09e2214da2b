import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BucketDriver, ListIssue, ListOptions, ObjectInfo } from '@stowage/core';
import { onTestFinished } from 'vitest';

/** A folder on the disk for one test. */
export function testFolder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'stowage-fs-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The permissions that any program's new file gets in the folder. */
export function plainMode(folder: string): number {
  const path = join(folder, 'plain-file');
  writeFileSync(path, '');
  const mode = statSync(path).mode & 0o777;
  rmSync(path);
  return mode;
}

/** Every path under a folder, Stowage's own among them; folders end with a slash. */
export function pathsUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1) + (entry.isDirectory() ? '/' : ''))
    .sort();
}

export async function listAll(driver: BucketDriver, o: ListOptions = {}): Promise<{ objects: ObjectInfo[]; prefixes: string[]; issues: ListIssue[] }> {
  const all = { objects: [] as ObjectInfo[], prefixes: [] as string[], issues: [] as ListIssue[] };
  for await (const page of driver.list(o)) {
    all.objects.push(...page.objects);
    all.prefixes.push(...page.prefixes);
    all.issues.push(...page.issues);
  }
  return all;
}

export async function keysOf(driver: BucketDriver, o: ListOptions = {}): Promise<string[]> {
  return (await listAll(driver, o)).objects.map(({ key }) => key);
}

export async function read(driver: BucketDriver, key: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await driver.get(key, {})).body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
