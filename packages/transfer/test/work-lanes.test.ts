import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { WorkLanes } from '../src/work-lanes.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('WorkLanes', () => {
  it.each([1, 3])('runs %i pieces at once, in order, and all of them', async (limit) => {
    const lanes = new WorkLanes(limit);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    for (let i = 0; i < 300; i++) {
      lanes.push(async () => {
        started.push(i);
        most = Math.max(most, ++running);
        await turn();
        running--;
      });
    }
    await lanes.idle();
    expect(started).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(most).toBe(limit);
    expect(lanes.inFlight).toBe(0);
  });

  it('has room while no more than a piece a lane is waiting', async () => {
    const lanes = new WorkLanes(2);
    let begun = 0;
    let most = 0;
    for (let i = 0; i < 50; i++) {
      lanes.push(async () => {
        begun++;
        await turn();
      });
      await lanes.room();
      most = Math.max(most, i + 1 - begun);
    }
    await lanes.idle();
    expect(most).toBe(2);
  });

  it('lets go of what it has done, though it is never empty', async () => {
    const lanes = new WorkLanes(1);
    const seen: WeakRef<object>[] = [];
    for (let i = 0; i < 500; i++) {
      const load = { bytes: new Uint8Array(10) };
      seen.push(new WeakRef(load));
      lanes.push(async () => {
        await turn();
        load.bytes.fill(1);
      });
      await lanes.room();
    }
    // The queue has not been empty once; collect, and see that most of the load has gone.
    await turn();
    collectGarbage();
    expect(seen.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(150);
    await lanes.idle();
  });

  it('tells whoever waits of a piece that throws, and runs the others', async () => {
    const lanes = new WorkLanes(1);
    let done = 0;
    lanes.push(() => Promise.reject(new Error('a fault of ours')));
    lanes.push(async () => void done++);
    await expect(lanes.idle()).rejects.toThrow('a fault of ours');
    expect(done).toBe(1);
  });
});
