import { type Diagnosis, isStorageError, parseLinkPrefix } from '@stowage/core';
import { CommandError, type Terminal, write } from '@stowage/terminal';
import { askStore } from './ask-store.ts';
import { Configuration } from './configuration.ts';
import { withErrorEvent } from './error-event.ts';
import { EXIT } from './exit-code.ts';
import { diagnosisLines } from './diagnosis-text.ts';
import type { DoctorRequest } from './mirror-request.ts';

/** Names one file, and no bucket. */
const PUBLIC_LINK = /^https?:/i;

/** Examines the bucket of each link, and gives 0 where nothing that is needed is missing. Throws `CommandError`. */
export function runDoctor(request: DoctorRequest, terminal: Terminal): Promise<number> {
  return withErrorEvent(request, terminal, () => examineAll(request, terminal));
}

async function examineAll(request: DoctorRequest, terminal: Terminal): Promise<number> {
  const configuration = new Configuration(request, {}, terminal);
  let code: number = EXIT.inSync;
  for (const [i, link] of request.links.entries()) {
    const found = await examine(link, configuration, terminal);
    if (typeof found === 'number') return found;
    const examined = found.answer;
    // A query may hold a signature.
    const shown = PUBLIC_LINK.test(link) ? examined.bucket : link;
    const exitCode = examined.healthy ? EXIT.inSync : EXIT.destination;
    code = Math.max(code, exitCode);
    const width = Math.min(terminal.stdout.columns ?? 80, 100);
    const text = request.json
      ? JSON.stringify({ event: 'diagnosis', time: terminal.today().toISOString(), link: shown, exitCode, ...examined })
      : `${i > 0 ? '\n' : ''}${diagnosisLines(shown, examined, width).join('\n')}`;
    await write(terminal.stdout, `${text}\n`);
  }
  return code;
}

/** The diagnosis, or the exit code of the signal that ended it. */
async function examine(link: string, configuration: Configuration, terminal: Terminal): Promise<{ readonly answer: Diagnosis } | number> {
  try {
    const { provider, bucket } = PUBLIC_LINK.test(link) ? { provider: 'http', bucket: link } : parseLinkPrefix(link);
    configuration.refuseUncertain(provider, bucket);
    const storages = await configuration.storagesOf(provider);
    return await askStore(link, terminal, (signal) => storages.diagnose(link, { signal }));
  } catch (error) {
    if (isStorageError(error)) throw new CommandError(`${JSON.stringify(link)}: ${error.message}`, EXIT.usage, error);
    throw error;
  }
}
