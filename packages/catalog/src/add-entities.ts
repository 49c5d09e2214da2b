import type { BulkRows } from './database.ts';
import type { AddOutcome, NameConflict } from './entity.ts';
import { changeOf } from './link-change-row.ts';
import type { WantedRow } from './new-entity-row.ts';
import { TakenPlaces } from './taken-places.ts';
import type { EntityRow, LinkChangeRow } from './tables.ts';

/** An entity to add, or why it cannot be. */
export type Wanted = WantedRow | { readonly reason: string };

/**
 * Adds entities in the transaction that `rows` belongs to: asks the tables for all links and names at once, decides one after another
 * in memory, then writes all at once.
 */
export async function addEntities(wanted: readonly Wanted[], onNameTaken: NameConflict, now: number, rows: BulkRows): Promise<AddOutcome[]> {
  const datasets = await rows.lockDatasets([...new Set(wanted.flatMap((one) => ('reason' in one ? [] : [one.dataset_id])))]);
  const kept = wanted.map((one) => ('reason' in one || datasets.has(one.dataset_id) ? one : { reason: `there is no dataset ${one.dataset_id}` }));
  const addition = new Addition(onNameTaken, now, rows);
  await addition.load(kept.filter((one): one is WantedRow => !('reason' in one)));
  const outcomes: AddOutcome[] = [];
  for (const one of kept) {
    if ('reason' in one) outcomes.push({ kind: 'refused', reason: one.reason });
    // Decided at once wherever all is known: a promise for each of millions would cost more than the decision.
    else outcomes.push(addition.present(one) ?? (await addition.place(one)));
  }
  await addition.save();
  return outcomes;
}

class Addition {
  readonly #onNameTaken: NameConflict;
  readonly #now: number;
  readonly #rows: BulkRows;
  readonly #taken: TakenPlaces;
  #ids: readonly number[] = [];
  #used = 0;
  /** Rows to insert and rows to update, in their last state, by id. */
  readonly #added = new Map<number, EntityRow>();
  readonly #changed = new Map<number, EntityRow>();
  /** What the tables hold under names that are taken; loaded only to be replaced. */
  readonly #replaceable = new Map<number, EntityRow>();
  readonly #changes: LinkChangeRow[] = [];

  constructor(onNameTaken: NameConflict, now: number, rows: BulkRows) {
    this.#onNameTaken = onNameTaken;
    this.#now = now;
    this.#rows = rows;
    this.#taken = new TakenPlaces(rows);
  }

  async load(wanted: readonly WantedRow[]): Promise<void> {
    const taken = this.#taken;
    await taken.loadLinks(wanted.flatMap((one) => (one.link === null ? [] : [{ datasetId: one.dataset_id, text: one.link }])));
    const unknown = wanted.filter((one) => this.present(one) === undefined);
    await taken.loadNames(unknown.map((one) => ({ datasetId: one.dataset_id, text: one.name })));
    if (this.#onNameTaken === 'rename') await taken.loadNumbers(this.#collisions(unknown));
    if (this.#onNameTaken === 'replace') {
      const ids = new Set(unknown.flatMap((one) => taken.name(one.dataset_id, one.name) ?? []));
      for (const row of await this.#rows.lockEntities([...ids])) this.#replaceable.set(row.id, row);
    }
    this.#ids = await this.#rows.reserveEntityIds(unknown.length);
  }

  /** Names that more entities want than can have them. */
  #collisions(wanted: readonly WantedRow[]): { datasetId: number; name: string; count: number }[] {
    const counts = new Map<string, { datasetId: number; name: string; count: number }>();
    for (const { dataset_id: datasetId, name } of wanted) {
      const key = `${datasetId}/${name}`;
      const found = counts.get(key);
      if (found !== undefined) found.count++;
      else counts.set(key, { datasetId, name, count: this.#taken.name(datasetId, name) === null ? 0 : 1 });
    }
    return [...counts.values()].filter(({ count }) => count > 0);
  }

  present(one: WantedRow): AddOutcome | undefined {
    const holder = one.link === null ? undefined : this.#taken.link(one.dataset_id, one.link);
    return holder === undefined ? undefined : { kind: 'present', id: holder.id, name: holder.name };
  }

  async place(one: WantedRow): Promise<AddOutcome> {
    let holder = this.#taken.name(one.dataset_id, one.name);
    if (holder === undefined) {
      await this.#taken.loadNames([{ datasetId: one.dataset_id, text: one.name }]);
      holder = this.#taken.name(one.dataset_id, one.name);
    }
    if (holder === null || holder === undefined) return this.#insert(one, one.name);
    switch (this.#onNameTaken) {
      case 'rename':
        return this.#insert(one, await this.#taken.numberedName(one.dataset_id, one.name));
      case 'skip':
        return { kind: 'skipped', id: holder, name: one.name };
      case 'replace':
        return this.#replace(one, holder);
    }
  }

  #insert(one: WantedRow, name: string): AddOutcome {
    const id = this.#ids[this.#used++];
    if (id === undefined) throw new Error('fewer ids than entities');
    this.#added.set(id, {
      id,
      dataset_id: one.dataset_id,
      name,
      local: one.local,
      link: one.link,
      link_etag: one.link_etag,
      link_version: one.link_version,
      hash: one.hash,
      size: one.size,
      mime: one.mime,
      width: one.width,
      height: one.height,
      meta: one.meta,
      tags: one.tags,
      version: 1,
      created_at: this.#now,
      updated_at: this.#now,
    });
    this.#taken.setName(one.dataset_id, name, id);
    if (one.link !== null) this.#taken.setLink(one.dataset_id, one.link, { id, name });
    return { kind: 'added', id, name, renamed: name !== one.name };
  }

  async #replace(one: WantedRow, id: number): Promise<AddOutcome> {
    const before = this.#added.get(id) ?? this.#changed.get(id) ?? this.#replaceable.get(id) ?? (await this.#rows.lockEntities([id]))[0];
    if (before === undefined) throw new Error(`entity ${id} is gone within a transaction that holds it`);
    const after: EntityRow = { ...before, ...one, version: before.version + 1, updated_at: this.#now };
    (this.#added.has(id) ? this.#added : this.#changed).set(id, after);
    this.#changes.push(changeOf(before, after, 'replace', this.#now));
    if (before.link !== null) this.#taken.setLink(one.dataset_id, before.link, null);
    if (one.link !== null) this.#taken.setLink(one.dataset_id, one.link, { id, name: one.name });
    return { kind: 'replaced', id, name: one.name };
  }

  async save(): Promise<void> {
    await this.#rows.insertEntities([...this.#added.values()]);
    await this.#rows.updateEntities([...this.#changed.values()]);
    await this.#rows.insertLinkChanges(this.#changes);
  }
}
