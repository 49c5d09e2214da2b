import { type ConformanceCase, conformanceCases, runCase, runConformance } from '@stowage/conformance';
import { describe, it } from 'vitest';
import { httpHarness, type Oddity } from './http-harness.ts';
import { runnerFor } from './vitest-runner.ts';

runConformance(runnerFor('a plain web server'), httpHarness());

const oddServers: Readonly<Record<string, Oddity>> = {
  'a web server without HEAD': (incoming, answer) => incoming.method === 'HEAD' && Boolean(answer.writeHead(405).end()),
  'a web server without ranges': (incoming) => {
    delete incoming.headers.range;
    return false;
  },
  'a web server without conditions': (incoming) => {
    for (const name of ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const) delete incoming.headers[name];
    return false;
  },
};

/** What takes a thousand requests is the same on all of them. */
const LONG = 'a thousand abandoned reads leave room for the next';

describe.each(Object.entries(oddServers))('%s: the reading group', (_name, odd) => {
  const harness = httpHarness(odd);
  const cases = conformanceCases().filter((each) => each.group === 'read' && each.name !== LONG && each.needs(harness.capabilities, harness) === true);
  const expectKept = (each: ConformanceCase): Promise<void> => runCase(each, harness);
  it.each(cases)('$name', { timeout: 60_000 }, (each) => expectKept(each));
});
