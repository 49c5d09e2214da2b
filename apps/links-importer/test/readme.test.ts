import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, useFolder } from './command.ts';

const folder = useFolder();
const README = join(import.meta.dirname, '../README.md');

/** How long it took differs from run to run. */
function settled(text: string): string {
  return text.replaceAll(/ in \d+(?:\.\d)? s(?:: [\d,]+ lines\/s)?/g, ' in 0.1 s').replaceAll(folder.path, '/home/me');
}

/** `$ command` lines and what they print, of the blocks of the README in their order. */
function recorded(readme: string): { readonly command: string; readonly printed: string }[] {
  const blocks = [...readme.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, block = '']) => block).join('');
  return blocks
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { command: part.slice(0, end), printed: part.slice(end + 1) };
    });
}

it('shows commands that were run, and what they print', async () => {
  const readme = readFileSync(README, 'utf8');
  const steps = recorded(readme);
  expect(steps.length).toBeGreaterThan(8);
  writeFileSync(join(folder.path, 'remote_links.yml'), /^```yaml\n([^]*?)^```$/m.exec(readme)?.[1]?.replaceAll('/home/me', folder.path) ?? '');
  for (const { command, printed } of steps) {
    const [name, ...args] = command.split(' ');
    if (name === 'stowage-links') {
      const { stdout, stderr } = await run(folder.path, args);
      // On a terminal, what went wrong comes before the summary.
      expect(settled(stderr + stdout), command).toBe(settled(printed));
    } else expect(execFileSync('sh', ['-c', command], { cwd: folder.path, encoding: 'utf8' }), command).toBe(printed);
  }
});
