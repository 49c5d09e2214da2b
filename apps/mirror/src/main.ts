#!/usr/bin/env node
import { tmpdir } from 'node:os';
import { runCli } from './cli.ts';
import { limitYoungGeneration } from './young-generation.ts';

/** As shells have it for a process that a closed pipe ended: 128 + SIGPIPE. */
const PIPE_CLOSED = 141;

// Whoever read the output has gone (`| head`): there is nobody to tell, so end without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(PIPE_CLOSED);
    throw error;
  });
}

async function askTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

limitYoungGeneration(16 * 1024 * 1024);

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  env: process.env,
  scratchFolder: tmpdir(),
  now: () => performance.now(),
  today: () => new Date(),
  onSignal(listener) {
    process.on('SIGINT', listener);
    process.on('SIGTERM', listener);
    return () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    };
  },
  importPackage: (name) => import(name),
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: askTerminal } : {}),
  exitNow: (code) => process.exit(code),
});
