// Writes, copies, completes uploads and deletes without an end; each content says how long it is and what it consists of.
import { fsDriver } from '../../src/index.ts';

const [root = '', seed = ''] = process.argv.slice(2);
const driver = fsDriver({ root, create: true, threads: 1 });
const content = (letter: string, size: number): Buffer => Buffer.from(`${letter}${String(size).padStart(9, '0')}`.padEnd(size, letter));
for (let turn = 0; ; turn++) {
  const letter = String.fromCharCode(97 + (turn % 26));
  const size = 10 + ((turn * 7919 + Number(seed) * 104_729) % 400_000);
  const body = content(letter, size);
  await driver.put(`small/${turn % 7}`, Buffer.from(`${letter}000000000`), { contentType: 'text/plain' });
  await driver.put(
    `dir/${turn % 5}/streamed`,
    (async function* () {
      for (let at = 0; at < size; at += 50_000) yield body.subarray(at, at + 50_000);
    })(),
    {},
  );
  await driver.copyMany(
    [
      { from: driver.copySource(`dir/${turn % 5}/streamed`), to: `copies/${turn % 3}/c` },
      { from: driver.copySource(`small/${turn % 7}`), to: `copies/${turn % 3}/d` },
    ],
    {},
  );
  const upload = await driver.startUpload(`parts/${turn % 2}`, {});
  const parts = [await upload.part(1, body.subarray(10)), await upload.part(0, body.subarray(0, 10))];
  await upload.complete(parts.toReversed());
  await driver.deleteMany([{ key: `small/${(turn + 3) % 7}` }, { key: `copies/${(turn + 1) % 3}/c` }], {});
  if (turn === 0) process.stdout.write('running');
}
