#!/usr/bin/env node
import { endWithReader, limitHeapGrowth, limitYoungGeneration, processTerminal } from '@stowage/terminal';
import { runCli } from './cli.ts';

endWithReader(process, 'stowage-links');
limitYoungGeneration(8 * 1024 * 1024);
// A million lines are made and forgotten: 400 MB without this, under 200 with it.
limitHeapGrowth(20);

const terminal = processTerminal(process, (name) => import(name));
process.exitCode = await runCli(process.argv.slice(2), { ...terminal, stdin: process.stdin });
