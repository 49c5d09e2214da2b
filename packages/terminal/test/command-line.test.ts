import { Writable } from 'node:stream';
import { CommanderError, type Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CommandError } from '../src/command-error.ts';
import { failureText, prepareCommands, runProgram } from '../src/command-line.ts';
import { atOnce, command, program, withOutput } from '../src/command-options.ts';
import type { Terminal } from '../src/terminal.ts';

function terminalWith(env: Terminal['env'] = {}): { readonly terminal: Terminal; readonly told: () => string } {
  let told = '';
  const stream = (): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        told += chunk;
        done();
      },
    });
  const terminal: Terminal = {
    stdout: stream(),
    stderr: stream(),
    cwd: '/',
    env,
    scratchFolder: '/tmp',
    now: () => 0,
    today: () => new Date(0),
    onSignal: () => () => undefined,
    importPackage: (name) => Promise.reject(new Error(name)),
    exitNow: (code) => {
      throw new Error(`ended with ${code}`);
    },
  };
  return { terminal, told: () => told };
}

function paint(): Command {
  const inner = withOutput(command('wall', 'Paints a wall.'), { progress: false }).action(() => undefined);
  const family = command('paint', 'Paints.').addCommand(inner);
  return program('brush', { description: 'Paints things.', version: '1.2.3', epilogue: '\nThat is all.' }).addCommand(family);
}

async function run(...argv: string[]): Promise<{ readonly told: string; readonly failed: boolean }> {
  const { terminal, told } = terminalWith();
  const cli = paint();
  prepareCommands(cli, terminal);
  try {
    await cli.parseAsync(argv, { from: 'user' });
    return { told: told(), failed: false };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { told: told(), failed: error.exitCode !== 0 };
  }
}

describe('a program', () => {
  it('tells what is wrong with the arguments of a command within a command in one line, by its own name', async () => {
    expect(await run('paint', 'wall', '--jsn')).toEqual({ told: "brush: unknown option '--jsn' (Did you mean --json?); try --help\n", failed: true });
    expect(await run('paint', 'wall', 'red\u001b[2J')).toEqual({
      told: expect.stringMatching(/^brush: too many arguments[^\n]*; try --help\n$/),
      failed: true,
    });
    expect(await run('paint', 'wall', '-q', '-v')).toMatchObject({ failed: true });
  });

  it('prints its version and its help, and takes no failure for it', async () => {
    expect(await run('--version')).toEqual({ told: '1.2.3\n', failed: false });
    const { told, failed } = await run('--help');
    expect([told.startsWith('Usage: brush'), told.endsWith('That is all.\n'), failed]).toEqual([true, true, false]);
  });
});

describe('a failure', () => {
  const { terminal } = terminalWith();

  it('that the user can mend is its message, and any other says that it was not foreseen', () => {
    expect(failureText(new CommandError('no such\u001b file'), terminal)).toBe(String.raw`no such\x1b file`);
    expect(failureText(new RangeError('odd'), terminal, (error) => error instanceof RangeError)).toBe('odd');
    expect(failureText(new RangeError('odd'), terminal)).toBe('unexpected failure: odd; run again with STOWAGE_DEBUG=1 for details, and please report them');
  });

  it('comes with its stack for whoever asks', () => {
    expect(failureText(new CommandError('no'), terminalWith({ STOWAGE_DEBUG: '1' }).terminal)).toMatch(/command-line\.test/);
  });
});

it.each(['0', '1025', '-1', '1.5', '1e2', ''])('%j is no number of things at once', (text) => {
  expect(() => atOnce(text)).toThrow('Expected a whole number from 1 to 1024.');
  expect(atOnce('1024')).toBe(1024);
});

describe('runProgram', () => {
  const ran = async (
    argv: readonly string[],
    act: () => Promise<number>,
    own?: Parameters<typeof runProgram>[3],
  ): Promise<readonly [code: number, told: string]> => {
    const { terminal, told } = terminalWith();
    const made = (ended: (code: number) => void): Command =>
      program('stowage-x', { description: 'X.', version: '1', epilogue: '' }).addCommand(command('go', 'Goes.').action(async () => ended(await act())));
    return [await runProgram(argv, terminal, made, own), told()];
  };

  it('gives what the action came to, 0 for help and 2 for a wrong command line', async () => {
    expect(await ran(['go'], async () => 7)).toEqual([7, '']);
    expect((await ran(['go', '--help'], async () => 7))[0]).toBe(0);
    expect(await ran(['go', '--no'], async () => 7)).toEqual([2, expect.stringContaining("stowage-x: unknown option '--no'")]);
  });

  it('tells what failed in one line, with the exit code that belongs to it', async () => {
    const failing = (failure: Error) => async (): Promise<number> => {
      throw failure;
    };
    expect(await ran(['go'], failing(new CommandError('no such file', 3)))).toEqual([3, 'stowage-x: no such file\n']);
    expect(await ran(['go'], failing(new RangeError('x')))).toEqual([1, expect.stringMatching(/^stowage-x: unexpected failure: x; .*\n$/)]);
    const own = { isTold: (error: unknown) => error instanceof RangeError, exitCodeOf: () => 4 };
    expect(await ran(['go'], failing(new RangeError('x')), own)).toEqual([4, 'stowage-x: x\n']);
  });
});
