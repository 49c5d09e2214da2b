import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, run } from '../scripts/workspace.ts';

const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('every example', () => {
  it('is there to be run', () => {
    expect(examples).not.toEqual([]);
  });

  it.each(examples)('runs as its README says, and prints what its README shows: %s', async (name) => {
    const folder = join(root, 'examples', name);
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    const [, command] = /^```sh\n(.*)\n```$/m.exec(readme) ?? [];
    const [, printed] = /^```text\n([^]*?\n)```$/m.exec(readme) ?? [];
    expect(command).toMatch(/^node \S+\.ts$/);
    const { code, output } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', ...(command ?? '').split(' ').slice(1)], folder);
    expect(output).toBe(printed);
    expect(code).toBe(0);
  });
});
