import type { CommandContext } from './command-context.ts';

const PLAIN_INTERVAL_MS = 10_000;
const LIVE_INTERVAL_MS = 100;

/** Shows where a run stands until it is stopped: one line that is drawn over again on terminals, else a line every ten seconds. */
export async function showProgress(context: CommandContext, line: () => string, event: () => Readonly<Record<string, unknown>>): Promise<{ stop(): void }> {
  const { request, terminal } = context;
  if (!request.progress || (request.detail === 'quiet' && !request.json)) return { stop: () => undefined };
  if (terminal.stderr.isTTY === true && !request.json && request.detail !== 'verbose') {
    // Costs 30 ms to load: only where there is a terminal to draw on.
    const { createLogUpdate } = await import('log-update');
    const update = createLogUpdate(terminal.stderr as NodeJS.WriteStream);
    const timer = setInterval(() => update(line()), LIVE_INTERVAL_MS);
    return {
      stop() {
        clearInterval(timer);
        update.clear();
        update.done();
      },
    };
  }
  const timer = setInterval(() => {
    if (request.detail !== 'quiet') terminal.stderr.write(`${line()}\n`);
    void context.emit({ event: 'progress', time: context.time(), ...event() });
  }, PLAIN_INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}
