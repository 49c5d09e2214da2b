import type { BulkReads, NamedId, TextInDataset } from './database.ts';
import { numberedName, searchFreeNumber } from './numbered-name.ts';

/** What is known of one dataset's names: the entity that has it, or null where it is free. */
type Names = Map<string, number | null>;

/**
 * Which names and links of datasets are taken, while entities are added one after another in memory: what the tables say, and over it
 * what was decided since. Asks the tables for many at once.
 */
export class TakenPlaces {
  readonly #rows: BulkReads;
  readonly #names = new Map<number, Names>();
  readonly #links = new Map<number, Map<string, NamedId | null>>();

  constructor(rows: BulkReads) {
    this.#rows = rows;
  }

  async loadLinks(links: readonly TextInDataset[]): Promise<void> {
    const holders = await this.#rows.findLinks(links);
    for (const [i, { datasetId, text }] of links.entries()) this.setLink(datasetId, text, holders[i] ?? null);
  }

  /** Undefined where it is free. */
  link(datasetId: number, link: string): NamedId | undefined {
    return this.#links.get(datasetId)?.get(link) ?? undefined;
  }

  setLink(datasetId: number, link: string, holder: NamedId | null): void {
    within(this.#links, datasetId).set(link, holder);
  }

  async loadNames(names: readonly TextInDataset[]): Promise<void> {
    const unknown = names.filter(({ datasetId, text }) => !this.#names.get(datasetId)?.has(text));
    const ids = await this.#rows.findNames(unknown);
    for (const [i, { datasetId, text }] of unknown.entries()) this.setName(datasetId, text, ids[i] ?? null);
  }

  /** Null where it is free, undefined where that was not asked. */
  name(datasetId: number, name: string): number | null | undefined {
    return this.#names.get(datasetId)?.get(name);
  }

  setName(datasetId: number, name: string, id: number | null): void {
    within(this.#names, datasetId).set(name, id);
  }

  /** `name_01.ext` or the like, as {@link searchFreeNumber} finds it. */
  async numberedName(datasetId: number, name: string): Promise<string> {
    for (;;) {
      const found = this.#search(datasetId, name);
      if ('free' in found) return numberedName(name, found.free);
      await this.loadNames([{ datasetId, text: numberedName(name, found.unknown) }]);
    }
  }

  /** Loads what {@link numberedName} will ask for, over many names in a few rounds. `count`: how many entities want the name. */
  async loadNumbers(wanted: readonly { readonly datasetId: number; readonly name: string; readonly count: number }[]): Promise<void> {
    let open = wanted;
    while (open.length > 0) {
      const ask: TextInDataset[] = [];
      const next: (typeof wanted)[number][] = [];
      for (const one of open) {
        const found = this.#search(one.datasetId, one.name);
        if ('unknown' in found) {
          ask.push({ datasetId: one.datasetId, text: numberedName(one.name, found.unknown) });
          next.push(one);
        } else {
          for (let i = 1; i < one.count; i++) ask.push({ datasetId: one.datasetId, text: numberedName(one.name, found.free + i) });
        }
      }
      await this.loadNames(ask);
      open = next;
    }
  }

  #search(datasetId: number, name: string): ReturnType<typeof searchFreeNumber> {
    const names = within(this.#names, datasetId);
    return searchFreeNumber((number) => {
      const holder = names.get(numberedName(name, number));
      return holder === undefined ? undefined : holder !== null;
    });
  }
}

function within<V>(datasets: Map<number, Map<string, V>>, datasetId: number): Map<string, V> {
  let found = datasets.get(datasetId);
  if (found === undefined) datasets.set(datasetId, (found = new Map<string, V>()));
  return found;
}
