import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorages, isStorageError, parseLink, retryLayer } from '@stowage/core';
import { loadConfig } from '@stowage/core/config';
import { fs } from '@stowage/fs';

// Files that somebody else put there: nothing is imported or copied to make them objects.
const datasets = mkdtempSync(join(tmpdir(), 'stowage-example-'));
mkdirSync(join(datasets, 'persons'));
writeFileSync(join(datasets, 'persons', 'image 1 #a.txt'), 'a person');

try {
  // One bad entry never disables the others.
  const config = loadConfig({ configPath: 'remote_links.yml', env: { DATASETS: datasets }, cwd: import.meta.dirname, readFile: (path) => readFileSync(path) });
  for (const { severity, message } of [...config.errors, ...config.warnings]) console.log(`${severity}: ${message.replace(`${import.meta.dirname}/`, '')}`);

  // A link's key is literal: spaces, `#` and `%` belong to it.
  await using storages = createStorages({ providers: [fs], config, layers: [retryLayer()] });
  const { bucket, key } = storages.resolve('fs://local-datasets/persons/image 1 #a.txt');
  console.log(`${key}: ${await (await bucket.get(key)).text()}`);

  // Two schemes of one provider; the rest of the link is opaque.
  console.log(parseLink('S3://cars_2020/a%20b?c'));

  for (const link of ['s3://cars_2020/x.jpg', 'fs://local-dataset/x.jpg', 'fs://local-datasets/../x.jpg', 'cars/x.jpg']) {
    try {
      storages.resolve(link);
    } catch (error) {
      if (!isStorageError(error)) throw error;
      console.log(`${error.code}: ${error.message}`);
    }
  }
} finally {
  rmSync(datasets, { recursive: true });
}
