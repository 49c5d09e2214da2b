import * as fs from 'node:fs';
import { chmod, lstat, open, rename, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeFolder, quoted } from '@stowage/core';
import { configError, systemCode } from '../credentials/sign-in-error.ts';
import type { CertificatePair } from './make-certificate.ts';

export interface PairFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The names under which pairs are kept: `ca.crt` and `ca.key`, `company.pem` and `company.key`. */
export const AUTHORITY_FILES: PairFiles = { certificate: 'ca.crt', privateKey: 'ca.key' };
export const CLIENT_FILES: PairFiles = { certificate: 'company.pem', privateKey: 'company.key' };

export interface WritePairOptions {
  /** Replace files that are there. Default false: they are left untouched, and code `Config` says which. */
  readonly force?: boolean;
}

/**
 * Writes a pair into a folder, both files readable by their owner alone. A key that is overwritten is lost for good, so without
 * `force` nothing is written if either is there; with it, each file is replaced as a whole.
 */
export async function writePair(folder: string, files: PairFiles, pair: CertificatePair, { force = false }: WritePairOptions = {}): Promise<PairFiles> {
  const paths = { certificate: join(folder, files.certificate), privateKey: join(folder, files.privateKey) };
  await told(folder, async () => {
    try {
      makeFolder(fs, folder, 0o700);
    } catch (error) {
      throw systemCode(error) === 'EEXIST' ? configError(`${quoted(folder)} is a file; expected a folder`) : error;
    }
  });
  if (force) {
    await told(paths.privateKey, () => replace(paths.privateKey, pair.privateKey));
    await told(paths.certificate, () => replace(paths.certificate, pair.certificate));
    return paths;
  }
  for (const path of [paths.privateKey, paths.certificate]) if (await isThere(path)) throw thereAlready(path);
  await told(paths.privateKey, () => create(paths.privateKey, pair.privateKey));
  try {
    await told(paths.certificate, () => create(paths.certificate, pair.certificate));
  } catch (error) {
    // A key without its certificate is of no use, and it is ours: the file did not exist before.
    await rm(paths.privateKey, { force: true });
    throw error;
  }
  return paths;
}

/** Fails where the file is there, be it by another program that came first. */
async function create(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await create(beside, text);
    await chmod(beside, 0o600);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return await told(path, async () => {
    try {
      await lstat(path);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  });
}

async function told<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'Config') throw error;
    if (code === 'EEXIST') throw thereAlready(path);
    throw configError(`cannot write ${quoted(path)} (${code})`);
  }
}

function thereAlready(path: string): Error {
  return configError(`${quoted(path)} is there already, and a key that is overwritten is lost for good; choose another folder, or force it`);
}
