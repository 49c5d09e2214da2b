#!/usr/bin/env node
import { tmpdir } from 'node:os';
import { limitHeapGrowth, limitYoungGeneration } from '@stowage/terminal';
import { runCli } from './cli.ts';

/** As shells have it for a process that a closed pipe ended: 128 + SIGPIPE. */
const PIPE_CLOSED = 141;

// Whoever read the output has gone (`| head`): there is nobody to tell, so end without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(PIPE_CLOSED);
    throw error;
  });
}

limitYoungGeneration(8 * 1024 * 1024);
// A million lines are made and forgotten: 400 MB without this, under 200 with it.
limitHeapGrowth(20);

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
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
  exitNow: (code) => process.exit(code),
});
