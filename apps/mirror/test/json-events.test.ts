import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { PLAIN_INTERVAL_MS, plainView } from '../src/progress-view.ts';
import { eventsOf, plant, run, useFolder } from './command.ts';

const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** Fields of each event, and whether they are always there: read from the guide, which must be true. */
function documented(): Map<string, Map<string, boolean>> {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/mirror-json.md'), 'utf8');
  const sections = guide.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const rows = [...section.matchAll(/^\| (\w+) \| (yes|no) \|/gm)];
      return [section.slice(0, section.indexOf('\n')), new Map(rows.map(([, field = '', always]) => [field, always === 'yes']))];
    }),
  );
}

function expectDocumented(events: readonly Record<string, unknown>[]): void {
  const fields = documented();
  for (const event of events) {
    const known = fields.get(String(event['event']));
    expect(known, String(event['event'])).toBeDefined();
    expect([...(known?.keys() ?? [])]).toEqual(expect.arrayContaining(Object.keys(event)));
    for (const [field, always] of known ?? []) if (always) expect(event).toHaveProperty(field);
  }
}

describe('--json', () => {
  it('writes events as the guide has them, and text for people elsewhere', async () => {
    plant(at('from'), { a: '1', b: 'new', 'c\n"': '3', same: 's' });
    plant(at('to'), { b: 'old!', extra: 'x', same: 's' });
    const { code, stdout, stderr } = await run(['sync', at('from'), at('to'), '--json', '--delete', '--max-delete', '0']);
    const events = eventsOf(stdout);
    expectDocumented(events);
    expect(code).toBe(5);
    expect(stderr).toContain('Nothing was deleted.');
    expect(events[0]).toMatchObject({ event: 'start', command: 'sync', source: at('from'), delete: true });
    expect(events.slice(1, -1)).toEqual(
      expect.arrayContaining([
        { event: 'outcome', outcome: 'copied', key: 'a', bytes: 1 },
        { event: 'outcome', outcome: 'updated', key: 'b', bytes: 3, reason: 'size' },
        { event: 'outcome', outcome: 'copied', key: 'c\n"', bytes: 1 },
        expect.objectContaining({ event: 'outcome', outcome: 'skipped', key: 'extra', reason: 'guarded' }),
      ]),
    );
    expect(events).toHaveLength(6);
    expect(events.at(-1)).toMatchObject({
      event: 'end',
      exitCode: 5,
      keys: 5,
      balanced: true,
      complete: true,
      guard: { guard: 'max-delete' },
      counts: { same: { objects: 1, bytes: 1 } },
    });
  });

  it('writes every key with --verbose', async () => {
    plant(at('from'), { a: '1' });
    plant(at('to'), { a: '1', extra: 'x' });
    const events = eventsOf((await run(['check', at('from'), at('to'), '--json', '-v'])).stdout);
    expectDocumented(events);
    expect(events.map(({ outcome }) => outcome).filter(Boolean)).toEqual(['same', 'deleted']);
  });

  it('tells a refusal', async () => {
    plant(at('from'), {});
    const { code, stdout } = await run(['sync', at('from'), at('to'), '--json']);
    const events = eventsOf(stdout);
    expectDocumented(events);
    expect([code, events.map(({ event }) => event)]).toEqual([5, ['start', 'error']]);
  });
});

it('progress is told every ten seconds', () => {
  vi.useFakeTimers();
  try {
    const lines: string[] = [];
    const events: Record<string, unknown>[] = [];
    const base = {
      phase: 'copying',
      compared: 5000,
      listed: true,
      inFlight: 4,
      concurrency: 16,
      throttled: 0,
      failed: 1,
      conflicts: 2,
      deletions: { done: 0, toDo: 0 },
    } as const;
    const start = Date.now();
    const snapshot = (): Parameters<Parameters<typeof plainView>[1]>[0] => {
      const elapsedMs = Date.now() - start;
      return { ...base, elapsedMs, toDo: { objects: 4000, bytes: 4000 * 1024 }, done: { objects: elapsedMs / 10, bytes: (elapsedMs / 10) * 1024 } };
    };
    const view = plainView(
      snapshot,
      (now, line) => {
        lines.push(line);
        events.push({ event: 'progress', time: '', ...now });
      },
      'sync',
    );
    vi.advanceTimersByTime(2 * PLAIN_INTERVAL_MS);
    view.stop();
    vi.advanceTimersByTime(5 * PLAIN_INTERVAL_MS);
    expect(lines).toEqual([
      '10 s: 5,000 compared, 1,000 of 4,000 objects and 1000 KiB of 3.91 MiB copied, 100 KiB/s, 4 in flight, 30 s left, 1 failed, 2 in conflict',
      '20 s: 5,000 compared, 2,000 of 4,000 objects and 1.95 MiB of 3.91 MiB copied, 100 KiB/s, 4 in flight, 20 s left, 1 failed, 2 in conflict',
    ]);
    expectDocumented(events);
  } finally {
    vi.useRealTimers();
  }
});

it('a notice is as the guide has it', () => {
  expectDocumented([{ event: 'notice', message: 'x' }]);
});
