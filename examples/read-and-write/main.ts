import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStorageError, openBucket } from '@stowage/core';
import { fsDriver } from '@stowage/fs';

// A folder is a bucket like any other. With a driver of another package the rest of this file stays as it is.
const folder = await mkdtemp(join(tmpdir(), 'stowage-example-'));
const photos = openBucket(fsDriver({ root: folder, bucket: 'photos' }));

try {
  // Write: whole or not at all. Strings, bytes, blobs and streams all do.
  await photos.put('2020/boat.txt', 'a boat on a lake');
  await photos.put('2020/car.txt', 'a car on a road', { contentType: 'text/plain', metadata: { camera: 'phone' } });
  const { headers } = await photos.head('2020/car.txt');
  console.log(`car.txt is ${headers?.contentType}, taken with a ${headers?.metadata?.['camera']}`);

  // Create only: whoever comes second is told so, and the first object is left alone.
  try {
    await photos.put('2020/boat.txt', 'another boat', { if: 'absent' });
  } catch (error) {
    if (!isStorageError(error, 'AlreadyExists')) throw error;
    console.log('boat.txt was there before, and still says:', await (await photos.get('2020/boat.txt')).text());
  }

  // Replace only what was read: a change made by somebody else in between is not lost.
  const read = await photos.head('2020/boat.txt');
  await photos.put('2020/boat.txt', 'a boat on a river', { if: read.revision });
  try {
    await photos.put('2020/boat.txt', 'a boat on a sea', { if: read.revision });
  } catch (error) {
    if (!isStorageError(error, 'PreconditionFailed')) throw error;
    console.log('boat.txt has changed since it was read: read it again');
  }

  // Read a part: bytes 2 to 6. `end` is exclusive.
  console.log('part of it:', await (await photos.get('2020/boat.txt', { range: { start: 2, end: 6 } })).text());

  // Copy and move inside the bucket.
  await photos.copy('2020/boat.txt', '2021/boat.txt');
  await photos.move('2020/car.txt', '2021/car.txt');

  // List: in the order of the keys' bytes, as every store has it.
  for await (const object of photos.list()) {
    console.log(`${object.key}  ${object.size} bytes`);
  }

  // Delete: a key that is not there is no error.
  for await (const { key } of photos.deleteMany(['2021/boat.txt', 'no such key'])) {
    console.log('gone:', key);
  }
} finally {
  await photos.close();
  await rm(folder, { recursive: true });
}
