import { resolve } from 'node:path';
import type { RemoteOutcome } from '@stowage/catalog';
import { unlinkEntities, type UnlinkResult } from '@stowage/links';
import { CommandError, visible } from '@stowage/terminal';
import { countText } from '@stowage/terminal/quantity-text';
import { entityFilter } from './catalog-names.ts';
import type { CommandContext } from './command-context.ts';
import { readRemoteMap } from './entities-map.ts';
import { EXIT } from './exit-code.ts';
import { tableLines } from './table-lines.ts';

export interface SetRemoteRequest {
  readonly map: string;
  readonly clearLocal: boolean;
}

/** Runs `set-remote` to its end and gives the exit code. */
export async function runSetRemote({ map, clearLocal }: SetRemoteRequest, context: CommandContext): Promise<number> {
  const { ids, links } = await readRemoteMap(resolve(context.terminal.cwd, map), map);
  const catalog = await context.catalog({ create: false });
  const outcomes = await catalog.entities.setRemote(ids, links, { clearLocal });
  const bad = outcomes.filter(({ kind }) => kind !== 'linked' && kind !== 'same');
  return tellCounts(
    outcomes,
    ['linked', 'same'],
    bad,
    (outcome) => `${outcome.kind} ${outcome.id}${'reason' in outcome ? `: ${outcome.reason}` : ''}`,
    context,
  );
}

export interface UnlinkRequest {
  readonly ids: readonly string[];
  readonly project?: string;
  readonly dataset?: string;
  /** Most milliseconds of a request. */
  readonly timeoutMs: number;
  readonly dryRun: boolean;
}

/** Ids that are dealt with at once. */
const BATCH = 1000;

/** Runs `unlink` to its end and gives the exit code. */
export async function runUnlink({ ids, project, dataset, timeoutMs, dryRun }: UnlinkRequest, context: CommandContext): Promise<number> {
  if (ids.length > 0 === (project !== undefined)) throw new CommandError('expected ids of entities, or --project; got neither or both');
  const bad = ids.find((id) => !/^[1-9]\d{0,15}$/.test(id));
  if (bad !== undefined) throw new CommandError(`expected the id of an entity; got ${JSON.stringify(bad)}`);
  const catalog = await context.catalog({ create: false });
  // Only the main storage is looked at.
  const { storages } = await context.storages({ timeoutMs, providers: [] });
  const all: number[] = [];
  // Unlinking while paging over what is linked would move the pages.
  if (project !== undefined)
    for await (const { entities } of catalog.entities.pages({
      ...(await entityFilter(catalog, { project, ...(dataset === undefined ? {} : { dataset }) })),
      linked: true,
    }))
      all.push(...entities.map(({ id }) => id));
  const wanted = project === undefined ? ids : all;
  const results: UnlinkResult[] = [];
  for (let at = 0; at < wanted.length; at += BATCH) results.push(...(await unlinkEntities(wanted.slice(at, at + BATCH), { catalog, storages, dryRun })));
  const failed = results.filter(({ kind }) => kind !== 'unlinked' && kind !== 'no-link');
  return tellCounts(
    results,
    ['unlinked', 'no-link'],
    failed,
    (result) => `${result.kind} ${result.id}${'message' in result ? `: ${result.message}` : ''}`,
    context,
  );
}

async function tellCounts<O extends RemoteOutcome | UnlinkResult>(
  outcomes: readonly O[],
  good: readonly string[],
  bad: readonly O[],
  text: (outcome: O) => string,
  context: CommandContext,
): Promise<number> {
  if (context.request.json) await context.print(outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(''));
  else context.terminal.stderr.write(bad.map((outcome) => `${visible(text(outcome))}\n`).join(''));
  const counts = Map.groupBy(outcomes, ({ kind }) => kind);
  const kinds = [...new Set<string>([...good, ...counts.keys()])];
  await context.summarise(tableLines(kinds.map((kind) => [kind, countText(counts.get(kind as O['kind'])?.length ?? 0), ''])));
  return bad.length > 0 ? EXIT.failed : EXIT.done;
}
