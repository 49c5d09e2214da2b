import { exec } from 'node:child_process';
import { readCredentialDocument } from './credential-document.ts';
import type { Credentials } from './credentials.ts';
import type { Environment } from './environment-keys.ts';
import { signInError, systemCode } from './sign-in-error.ts';

const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * The credentials that a profile's `credential_process` prints. The command is the user's own, from the user's own file, and runs
 * in a shell as the AWS tools run it. Neither it nor what it prints is ever shown: both may hold secrets.
 */
export async function runCredentialProcess(what: string, command: string, env: Environment, signal: AbortSignal): Promise<Credentials> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = exec(command, { env: { ...env }, signal, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true, encoding: 'utf8' }, (error, output) => {
    if (error === null) resolve(output);
    else reject(signInError('Unauthenticated', `${what}: its credential_process failed (${exitOf(error)}); run the command by hand to see why`));
  });
  // It has nobody to ask.
  child.stdin?.end();
  try {
    return readCredentialDocument(`${what}: its credential_process`, await promise);
  } finally {
    signal.throwIfAborted();
  }
}

function exitOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'number') return `exit code ${error.code}`;
  if (error instanceof Error && 'signal' in error && typeof error.signal === 'string') return `ended by ${error.signal}`;
  return systemCode(error);
}
