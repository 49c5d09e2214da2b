/**
 * Adds batches of entities until it is killed or has added as many as it was told, each with a checkpoint; says each committed batch.
 *
 *   writer.ts LOCATION SCHEMA PROJECT NAME BATCHES SIZE
 */
import { openCatalog } from '../../src/index.ts';

const [location = '', schema = '', project = '', name = '', batches = '0', size = '0'] = process.argv.slice(2);
const catalog = await openCatalog(location, { schema });
const { id: projectId } = await catalog.projects.ensure({ name: project, type: 'images' });
const { id: datasetId } = await catalog.datasets.ensure({ projectId, name: 'shared' });
const run = await catalog.imports.open(name);
const done = run.sources.find(({ source }) => source === name)?.line ?? 0;
for (let line = done; line < Number(batches) * Number(size); line += Number(size)) {
  const items = Array.from({ length: Number(size) }, (_, i) => ({ datasetId, name: 'image.jpg', link: `s3://b/${name}/${line + i}.jpg` }));
  const outcomes = await catalog.entities.add(items, { checkpoint: { runId: run.id, source: name, offset: 0, line: line + items.length, state: { line } } });
  if (outcomes.some(({ kind }) => kind !== 'added')) throw new Error(`not all of the batch at ${line} were new`);
  process.stdout.write(`${line + items.length}\n`);
}
await catalog.imports.finish(run.id);
await catalog.close();
