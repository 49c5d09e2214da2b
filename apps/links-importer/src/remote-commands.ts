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
  const tally = new OutcomeTally<RemoteOutcome>(
    ['linked', 'same'],
    (outcome) => `${outcome.kind} ${outcome.id}${'reason' in outcome ? `: ${outcome.reason}` : ''}`,
    context,
  );
  await tally.tell(await catalog.entities.setRemote(ids, links, { clearLocal }));
  return tally.end();
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
  const tally = new OutcomeTally<UnlinkResult>(
    ['unlinked', 'no-link'],
    (result) => `${result.kind} ${result.id}${'message' in result ? `: ${result.message}` : ''}`,
    context,
  );
  for (let at = 0; at < wanted.length; at += BATCH) await tally.tell(await unlinkEntities(wanted.slice(at, at + BATCH), { catalog, storages, dryRun }));
  return tally.end();
}

/** Tells outcomes as they come (with `--json` each, else those that are not good), and at the end how many there were of each kind. */
class OutcomeTally<O extends { readonly kind: string }> {
  readonly #good: readonly string[];
  readonly #text: (outcome: O) => string;
  readonly #context: CommandContext;
  readonly #counts: Map<string, number>;

  constructor(good: readonly string[], text: (outcome: O) => string, context: CommandContext) {
    this.#good = good;
    this.#text = text;
    this.#context = context;
    this.#counts = new Map(good.map((kind) => [kind, 0]));
  }

  async tell(outcomes: readonly O[]): Promise<void> {
    for (const { kind } of outcomes) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (this.#context.request.json) return this.#context.print(outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(''));
    const bad = outcomes.filter(({ kind }) => !this.#good.includes(kind));
    this.#context.terminal.stderr.write(bad.map((outcome) => `${visible(this.#text(outcome))}\n`).join(''));
  }

  /** Gives the exit code. */
  async end(): Promise<number> {
    await this.#context.summarise(tableLines([...this.#counts].map(([kind, count]) => [kind, countText(count), ''])));
    return [...this.#counts.keys()].some((kind) => !this.#good.includes(kind)) ? EXIT.failed : EXIT.done;
  }
}
