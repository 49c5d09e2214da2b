import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '@stowage/catalog';
import { createStorages, retryLayer } from '@stowage/core';
import { loadConfig } from '@stowage/core/config';
import { fs } from '@stowage/fs';
import { checkLinks, importLinks, type LinksSource, migrateProject, scanLinks, unlinkEntities } from '@stowage/links';

/** PNGs of two and of three pixels. */
const TWO = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADklEQVR4nGNgYGD4//8/AAYBAv4CsjmuAAAAAElFTkSuQmCC';
const THREE = 'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAFElEQVR4nGP8z8DAwMDAxAADCBYAHQkBA4nPpUcAAAAASUVORK5CYII=';

const work = mkdtempSync(join(tmpdir(), 'stowage-example-'));
for (const folder of ['street/day', 'street/night', 'archive']) mkdirSync(join(work, folder), { recursive: true });
for (const [path, image] of [
  ['day/1.png', TWO],
  ['day/2.png', THREE],
  ['night/1.png', THREE],
] as const)
  writeFileSync(join(work, 'street', path), Buffer.from(image, 'base64'));
writeFileSync(join(work, 'street', 'notes.txt'), 'no image');

const now = (): number => performance.now();
try {
  const config = loadConfig({
    configPath: 'remote_links.yml',
    env: { STREET: join(work, 'street'), ARCHIVE: join(work, 'archive') },
    cwd: import.meta.dirname,
    readFile: (path) => readFileSync(path),
  });
  await using storages = createStorages({ providers: [fs], config, layers: [retryLayer()] });
  await using catalog = await openCatalog(join(work, 'catalog.sqlite'));

  console.log('── a links file of the folder, and one line that is wrong');
  let text = '';
  for await (const { links } of scanLinks({ bucket: storages.bucket('fs://street'), filter: { endings: new Set(['png']) } }))
    text += links.map((link) => `${link}\n`).join('');
  text += 'fs://street/day/3.png\n';
  console.log(text.trimEnd());

  console.log('── import: a project of links, no byte copied');
  const file: LinksSource = {
    name: 'street.txt',
    dataset: 'street',
    format: 'txt',
    gzip: false,
    async *open() {
      yield Buffer.from(text);
    },
  };
  const imported = await importLinks({
    catalog,
    storages,
    project: 'Street',
    sources: [file],
    verification: 'full',
    now,
    observer: {
      outcomes(lines) {
        for (const { line, outcome, name, reason = '' } of lines) console.log(`line ${line}: ${outcome} ${name ?? reason}`);
      },
    },
  }).report;
  if (imported.project === undefined) throw new Error('no project was made');
  for await (const { name, width, height, link } of catalog.entities.stream()) console.log(`${name}: ${width} × ${height}, ${link}`);

  console.log('── check: somebody wrote one of them again');
  writeFileSync(join(work, 'street/night/1.png'), Buffer.from(TWO, 'base64'));
  const check = async (): Promise<void> => {
    const { checked, ok } = await checkLinks({
      catalog,
      storages,
      now,
      observer: {
        findings(findings) {
          for (const { kind, link, message } of findings) console.log(`${kind}: ${link}: ${message}`);
        },
      },
    }).report;
    console.log(`${ok} of ${checked} are as they were`);
  };
  await check();

  console.log('── migrate: all or nothing, so nothing');
  const move = async (): Promise<void> => {
    const { uploaded, there, failed, linked } = await migrateProject(imported.project ?? 0, {
      catalog,
      storages,
      from: 'fs://street/',
      to: 'fs://archive/moved',
      now,
    }).report;
    console.log(`${uploaded.entities} uploaded, ${there.entities} there already, ${failed} failed, ${linked} linked`);
  };
  await move();

  console.log('── what was changed is taken as it is now, and the rest is not sent again');
  const changed = (await Array.fromAsync(catalog.entities.stream())).find(({ link }) => link === 'fs://street/night/1.png');
  if (changed === undefined) throw new Error('the entity is gone');
  const info = await storages.bucket('fs://street').head('night/1.png');
  await catalog.entities.update([{ id: changed.id, size: info.size, revision: info.revision, hash: null, width: 2, height: 1 }]);
  await move();
  for await (const { link } of catalog.entities.stream()) console.log(link);
  await check();

  console.log('── and back is for what has a local place; links alone are told as such');
  for (const { id, kind } of await unlinkEntities([changed.id], { catalog, storages })) console.log(`${id === changed.id ? 'the changed one' : id}: ${kind}`);
} finally {
  rmSync(work, { recursive: true });
}
