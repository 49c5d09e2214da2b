/** The help of every command reads well on the terminal that there is. */
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCli as runLinks } from '../apps/links-importer/src/cli.ts';
import { runCli as runMirror } from '../apps/mirror/src/cli.ts';

class Screen extends Writable {
  readonly columns: number;
  text = '';
  constructor(columns: number) {
    super({ decodeStrings: false });
    this.columns = columns;
  }
  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

type RunCli = typeof runLinks;

async function helpOf(runCli: RunCli, path: readonly string[], columns: number): Promise<string> {
  const screen = new Screen(columns);
  const code = await runCli([...path, '--help'], {
    stdin: new PassThrough(),
    stdout: screen,
    stderr: screen,
    cwd: '/',
    env: {},
    scratchFolder: '/',
    now: () => 0,
    today: () => new Date(0),
    onSignal: () => () => undefined,
    importPackage: (name) => Promise.reject(new Error(`help imports ${name}`)),
    exitNow: (ended) => expect.unreachable(`help ends the process with ${ended}`),
  });
  expect(code, `${path.join(' ')}: ${screen.text}`).toBe(0);
  return screen.text;
}

/** The help of a command, and of all that it lists. */
async function allHelp(runCli: RunCli, path: readonly string[], columns: number): Promise<Record<string, string>> {
  const help = await helpOf(runCli, path, columns);
  const listed = /^Commands:\n([^]*?)\n\n/m.exec(`${help}\n`)?.[1] ?? '';
  const below = [...listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => allHelp(runCli, [...path, name], columns));
  return Object.assign({ [path.join(' ')]: help }, ...(await Promise.all(below))) as Record<string, string>;
}

describe.each([
  ['stowage-mirror', runMirror, ['sync', 'local', 'certs policy']],
  ['stowage-links', runLinks, ['import', 'projects export', 'entities add']],
] as const)('%s --help', (_name, runCli, some) => {
  it.each([60, 80, 200])('fits %i columns, for every command', async (columns) => {
    const help = await allHelp(runCli, [], columns);
    expect(Object.keys(help)).toEqual(expect.arrayContaining(['', ...some]));
    for (const [path, text] of Object.entries(help))
      expect(
        text.split('\n').filter((line) => line.length > columns),
        path,
      ).toEqual([]);
  });

  it('says the same, however narrow: an option begins its own line, and no word is cut', async () => {
    const [narrow, wide] = [await allHelp(runCli, [], 60), await allHelp(runCli, [], 200)];
    const words = (text: string): string[] => text.split(/\s+/);
    for (const [path, text] of Object.entries(wide)) expect(words(narrow[path] ?? ''), path).toEqual(words(text));
  });
});
