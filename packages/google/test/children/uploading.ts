/** Begins or goes on with an upload in parts, and says on standard output what it does; it is killed on its way. Arguments: endpoint, ref as JSON or `new`. */
import type { UploadRef } from '@stowage/core';
import { googleDriver } from '../../src/google-driver.ts';
import { partOf, PARTS } from '../uploaded-parts.ts';

const [endpoint = '', given = 'new'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const driver = googleDriver({ endpoint, credentials: 'anonymous' }, 'killed');
const upload =
  given === 'new'
    ? await driver.startUpload('video.mp4', { contentType: 'video/mp4', metadata: { from: 'child' } })
    : await driver.resumeUpload(JSON.parse(given) as UploadRef, {});
say(`ref ${JSON.stringify(upload.ref)}`);
const held = new Set((await upload.parts()).map(({ index }) => index));
const left = Array.from({ length: PARTS }, (_, index) => index).filter((index) => !held.has(index));
const lane = async (): Promise<void> => {
  for (let index = left.shift(); index !== undefined; index = left.shift()) {
    say(`sending ${index}`);
    await upload.part(index, partOf(index));
    say(`sent ${index}`);
  }
};
await Promise.all(Array.from({ length: 4 }, lane));
const { size } = await upload.complete(await upload.parts(), { if: 'absent' });
say(`done ${size}`);
await driver.close();
