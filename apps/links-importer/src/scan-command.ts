import { formatLinkPrefix, isStorageError } from '@stowage/core';
import { endingsOf, type ProjectKind, type ScanFilter, scanLinks } from '@stowage/links';
import { CommandError, visible } from '@stowage/terminal';
import { countOf } from '@stowage/terminal/quantity-text';
import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-code.ts';
import { namedFolder } from './named-folder.ts';
import { outputFile } from './output-file.ts';

export interface ScanRequest {
  readonly place: string;
  readonly output?: string;
  readonly endings: readonly string[];
  /** Most milliseconds of a request. */
  readonly timeoutMs: number;
  readonly type?: ProjectKind;
  readonly minSize?: number;
  readonly maxSize?: number;
  /** Milliseconds. */
  readonly newerThan?: number;
  readonly olderThan?: number;
}

/** Runs `scan` to its end and gives the exit code. */
export async function runScan(request: ScanRequest, context: CommandContext): Promise<number> {
  const { provider, bucket: name, prefix } = namedFolder(request.place);
  const { storages, refuseUncertain } = await context.storages({ timeoutMs: request.timeoutMs, providers: [provider] });
  refuseUncertain(provider, name);
  const bucket = storages.bucket(formatLinkPrefix({ provider, bucket: name, prefix: '' }));
  const output = await outputFile(request.output, context);
  const counts = { objects: 0, links: 0, unwritable: 0, issues: 0 };
  try {
    for await (const page of scanLinks({ bucket, prefix, filter: filterOf(request, context) })) {
      counts.objects += page.objects;
      counts.links += page.links.length;
      counts.unwritable += page.unwritable.length;
      await output.write(page.links.map((link) => `${link}\n`).join(''));
      for (const key of page.unwritable) context.tell(`no line of a links file can hold the key ${JSON.stringify(key)}: it has a line break`);
      for (const { kind, message } of page.issues) {
        if (kind === 'unreadable' || kind === 'invalid-name') counts.issues++;
        if (context.request.detail !== 'quiet') context.terminal.stderr.write(`stowage-links: ${visible(message)}\n`);
      }
    }
    await output.keep();
  } catch (error) {
    await output.discard();
    if (isStorageError(error) && error.code !== 'InvalidArgument') throw new CommandError(`${request.place}: ${error.message}`, EXIT.source, error);
    throw error;
  }
  // Links have standard output to themselves.
  if (context.request.detail !== 'quiet')
    context.tell(
      `${countOf(counts.links, 'link')} of ${countOf(counts.objects, 'object')}${counts.issues > 0 ? `; ${countOf(counts.issues, 'place')} could not be read` : ''}`,
    );
  return counts.unwritable + counts.issues > 0 ? EXIT.failed : EXIT.done;
}

function filterOf({ endings, type, minSize, maxSize, newerThan, olderThan }: ScanRequest, { terminal }: CommandContext): ScanFilter {
  const all = [...endings, ...(type === undefined ? [] : endingsOf(type))];
  const now = terminal.today().getTime();
  return {
    ...(all.length === 0 ? {} : { endings: new Set(all) }),
    ...(minSize === undefined ? {} : { minSize }),
    ...(maxSize === undefined ? {} : { maxSize }),
    ...(newerThan === undefined ? {} : { since: new Date(now - newerThan) }),
    ...(olderThan === undefined ? {} : { until: new Date(now - olderThan) }),
  };
}
