// Creates each of a number of objects if it is absent, and prints how many it got.
import { isStorageError } from '@stowage/core';
import { fsDriver } from '../../src/index.ts';

const [root = '', name = '', count = '0'] = process.argv.slice(2);
const driver = fsDriver({ root, durability: 'none' });
let got = 0;
for (let i = 0; i < Number(count); i++) {
  try {
    await driver.put(`claims/${i}`, Buffer.from(name), { if: 'absent' });
    got++;
  } catch (error) {
    if (!isStorageError(error, 'AlreadyExists')) throw error;
  }
}
process.stdout.write(String(got));
