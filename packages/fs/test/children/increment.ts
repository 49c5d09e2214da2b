// Raises the number in an object, by compare and swap, as often as told.
import { isStorageError } from '@stowage/core';
import { fsDriver } from '../../src/index.ts';

const [root = '', key = '', times = '0'] = process.argv.slice(2);
const driver = fsDriver({ root, durability: 'none' });
for (let done = 0; done < Number(times);) {
  const { info, body } = await driver.get(key, {});
  let text = '';
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  try {
    await driver.put(key, Buffer.from(String(Number(text) + 1).padStart(6, '0')), { if: info.revision });
    done++;
  } catch (error) {
    if (!isStorageError(error, 'PreconditionFailed')) throw error;
  }
}
