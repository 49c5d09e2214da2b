#!/usr/bin/env node
import { endWithReader, limitHeapGrowth, limitYoungGeneration, processTerminal } from '@stowage/terminal';
import { runCli } from './cli.ts';

async function askTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

endWithReader(process, 'stowage-mirror');
// What is in flight dies a little too old for the young generation: 30 MB of it would pile up.
limitYoungGeneration(16 * 1024 * 1024, () => limitHeapGrowth(50));

const terminal = processTerminal(process, (name) => import(name));
process.exitCode = await runCli(process.argv.slice(2), process.stdin.isTTY && process.stderr.isTTY ? { ...terminal, ask: askTerminal } : terminal);
