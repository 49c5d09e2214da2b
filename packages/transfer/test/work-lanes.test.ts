import { delegate, type Layer } from '@stowage/core';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { WorkLanes } from '../src/work-lanes.ts';
import { apart, bucketOf, byKey, ran } from './trees.ts';

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

  it('gives the lane of a piece that left it to the next, up to eight a lane, and waits for all of them', async () => {
    const lanes = new WorkLanes(2);
    const gates: (() => void)[] = [];
    let ended = 0;
    for (let i = 0; i < 100; i++) {
      lanes.push(async (leave) => {
        leave();
        leave();
        await new Promise<void>((resolve) => gates.push(resolve));
        ended++;
      });
    }
    await turn();
    expect([gates.length, lanes.inFlight]).toEqual([16, 0]);
    gates[0]?.();
    await turn();
    expect([gates.length, ended]).toEqual([17, 1]);
    let isIdle = false;
    const idle = lanes.idle().then(() => (isIdle = true));
    for (let opened = 1; opened < 100; opened++) {
      expect(isIdle).toBe(false);
      gates[opened]?.();
      await turn();
    }
    await idle;
    expect([ended, lanes.inFlight]).toEqual([100, 0]);
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

it('copies whose content the destination has accepted wait for its disk together, and not in the way of others', async () => {
  let waiting = 0;
  let all: () => void = () => undefined;
  const together = new Promise<void>((resolve) => (all = resolve));
  const slowDisk: Layer = (inner) =>
    delegate(inner, {
      async put(key, body, o) {
        const info = await inner.put(key, body, o);
        if (++waiting === 5) all();
        await together;
        return info;
      },
    });
  const tree = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`k${i}`, 'content']));
  const { outcomes } = await ran(await bucketOf(tree), await bucketOf({}, apart, slowDisk), { transfers: 1 });
  expect(byKey(outcomes)).toEqual(Object.fromEntries(Object.keys(tree).map((key) => [key, 'copied'])));
});
