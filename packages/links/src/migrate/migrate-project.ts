import type { Entity, Id, Project } from '@stowage/catalog';
import { PROJECT_TYPES } from '@stowage/catalog';
import { StorageError } from '@stowage/core';
import { Slots } from '../slots.ts';
import type { MigrateJob, MigrateOptions, MigrateOutcome, MigrateProgress, MigrateReport, ProjectLike } from './migrate-options.ts';
import { datasetPaths, MigrateTarget } from './migrate-target.ts';
import { type Moved, moveEntity, type MoveOptions } from './move-entity.ts';
import { UploadLedger } from './upload-ledger.ts';
import { Uploader } from './upload-content.ts';
import { VerifiedEntities } from './verified-entities.ts';

const DEFAULT_TRANSFERS = 16;
const PAGE = 1000;

/**
 * Moves the entities of a project that have no link to a bucket: their bytes are copied there and verified by size and checksum, and
 * then, unless `linkVerified` says otherwise, linked if all were verified, and none of them if not. Deletes nothing. Run again, it
 * leaves alone what is linked and sends nothing that arrived.
 */
export function migrateProject(project: ProjectLike, o: MigrateOptions): MigrateJob {
  const migration = new Migration(project, o);
  return { report: migration.run(), progress: () => migration.progress(), stop: () => migration.stop() };
}

class Migration {
  readonly #like: ProjectLike;
  readonly #o: MigrateOptions;
  readonly #started: number;
  readonly #slots: Slots;
  readonly #counts = { entities: 0, uploaded: { entities: 0, bytes: 0 }, there: { entities: 0, bytes: 0 }, conflicts: 0, failed: 0 };
  readonly #changed: Id[] = [];
  /** Where entities of the map go: no more than it names. */
  readonly #targets = new Map<string, Id>();
  readonly #verified = new VerifiedEntities();
  /** Outcomes that the observer was not told yet. */
  #untold: MigrateOutcome[] = [];
  #bytesSent = 0;
  #inFlight = 0;
  #linked = 0;
  #stopped = false;

  constructor(project: ProjectLike, o: MigrateOptions) {
    this.#like = project;
    this.#o = o;
    this.#started = o.now();
    this.#slots = new Slots(o.transfers ?? DEFAULT_TRANSFERS);
  }

  stop(): void {
    this.#stopped = true;
  }

  progress(): MigrateProgress {
    const { entities, uploaded, there, conflicts, failed } = this.#counts;
    const done = uploaded.entities + there.entities + conflicts + failed;
    return { entities, done, bytesSent: this.#bytesSent, inFlight: this.#inFlight, linked: this.#linked, elapsedMs: this.#o.now() - this.#started };
  }

  async run(): Promise<MigrateReport> {
    try {
      return await this.#run();
    } finally {
      this.#verified[Symbol.dispose]();
    }
  }

  async #run(): Promise<MigrateReport> {
    const { catalog, storages, to, schemes, dryRun = false, replace = false, partSize, signal } = this.#o;
    const project = await this.#project();
    const target = new MigrateTarget(to, storages, schemes);
    const linkedBefore = (await catalog.entities.count({ projectId: project.id, linked: true })).entities;
    const call = signal === undefined ? {} : { signal };
    const onBytes = (bytes: number): void => {
      this.#bytesSent += bytes;
    };
    const ledger = dryRun ? undefined : await UploadLedger.open(catalog, target.text, project.id);
    const uploader = ledger === undefined ? undefined : new Uploader({ target: target.bucket, ledger, partSize, call, onBytes });
    const unknownIds = await this.#moveAll(project, target, { storages, target: target.bucket, uploader, replace, call });
    const allVerified = !this.#stopped && this.#counts.conflicts + this.#counts.failed + unknownIds.length === 0;
    if (ledger !== undefined) {
      if (allVerified) await this.#linkAll();
      // Interrupted uploads are gone on with in the next run.
      if (this.#counts.failed === 0 && !this.#stopped) await ledger.finish();
    }
    return {
      project,
      dryRun,
      ...this.#counts,
      bytesSent: this.#bytesSent,
      linkedBefore,
      linked: this.#linked,
      changedMeanwhile: this.#changed,
      unknownIds,
      complete: allVerified && this.#changed.length === 0,
      stopped: this.#stopped,
      elapsedMs: this.#o.now() - this.#started,
    };
  }

  async #project(): Promise<Project> {
    const like = this.#like;
    if (typeof like !== 'object') return this.#o.catalog.projects.get(like);
    // Records of other programs may hold types that no catalog of this one has.
    if (!(PROJECT_TYPES as readonly string[]).includes(like.type))
      throw new StorageError(
        'InvalidArgument',
        `expected a project of ${PROJECT_TYPES.join(' or ')}; ${JSON.stringify(like.name)} is one of ${JSON.stringify(like.type)}`,
      );
    return this.#o.catalog.projects.get(like.id);
  }

  /** Gives the ids of the entities map that are no entities of this project. */
  async #moveAll(project: Project, target: MigrateTarget, move: MoveOptions): Promise<readonly string[]> {
    const { catalog, layout = 'flat', entitiesMap } = this.#o;
    const pathOf = datasetPaths(await catalog.datasets.list(project.id), layout);
    const wanted = new Set(entitiesMap?.keys());
    const underWay = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    try {
      for await (const entities of this.#pages(project)) {
        for (const entity of entities) {
          await this.#slots.take();
          if (this.#stopped || failure !== undefined) {
            this.#slots.leave();
            break;
          }
          wanted.delete(String(entity.id));
          const entry = entitiesMap?.get(String(entity.id));
          const one = this.#move(entity, () => this.#distinct(entity, target.of(entity, project, pathOf(entity.datasetId), entry)), move)
            .catch((error: unknown) => {
              failure ??= { error };
            })
            .finally(() => {
              underWay.delete(one);
              this.#slots.leave();
            });
          underWay.add(one);
        }
        if (this.#stopped || failure !== undefined) break;
        // Those that are slow go on beside the next page.
        await this.#settle(move);
      }
    } finally {
      await Promise.all(underWay);
    }
    if (failure !== undefined) throw failure.error;
    await this.#settle(move);
    return this.#stopped ? [] : this.#unknown(project, [...wanted]);
  }

  /** Tells and, where that is wished, links what is done by now. */
  async #settle({ uploader }: MoveOptions): Promise<void> {
    const told = this.#untold;
    this.#untold = [];
    await this.#o.observer?.outcomes?.(told);
    if (this.#o.linkVerified === true && uploader !== undefined && !this.#stopped) await this.#linkSome();
  }

  /** Those that are linked by now are of the project, and left alone. */
  async #unknown(project: Project, ids: readonly string[]): Promise<readonly string[]> {
    const { catalog } = this.#o;
    const datasets = new Set((await catalog.datasets.list(project.id)).map(({ id }) => id));
    const found = await catalog.entities.getMany(ids.filter((id) => /^\d+$/.test(id)));
    const known = new Set(found.flatMap((entity) => (entity !== undefined && datasets.has(entity.datasetId) ? [String(entity.id)] : [])));
    return ids.filter((id) => !known.has(id));
  }

  async *#pages(project: Project): AsyncGenerator<readonly Entity[], void, undefined> {
    const { catalog, entitiesMap, from, signal } = this.#o;
    const filter = { projectId: project.id, ...(from === undefined ? { linked: false } : { linkPrefix: from }) };
    for await (const { entities } of catalog.entities.pages(filter, { limit: PAGE, ...(signal === undefined ? {} : { signal }) })) {
      yield entitiesMap === undefined ? entities : entities.filter(({ id }) => entitiesMap.has(String(id)));
    }
  }

  async #move(entity: Entity, targetOf: () => ReturnType<MigrateTarget['of']>, move: MoveOptions): Promise<void> {
    this.#counts.entities++;
    this.#inFlight++;
    try {
      const moved = await moveEntity(entity, targetOf(), this.#o.entitiesMap?.get(String(entity.id)), move);
      this.#count(moved);
      this.#untold.push(moved.outcome);
    } finally {
      this.#inFlight--;
    }
  }

  #count({ outcome, revision }: Moved): void {
    if (outcome.kind === 'uploaded' || outcome.kind === 'there') {
      this.#counts[outcome.kind].entities++;
      this.#counts[outcome.kind].bytes += outcome.bytes;
      this.#verified.add({ id: outcome.entity.id, version: outcome.entity.version, link: outcome.link, revision });
    } else if (outcome.kind === 'conflict') this.#counts.conflicts++;
    else this.#counts.failed++;
  }

  /** Maps may send two entities to one place. */
  #distinct(entity: Entity, target: ReturnType<MigrateTarget['of']>): ReturnType<MigrateTarget['of']> {
    if (!target.ok || this.#o.entitiesMap === undefined) return target;
    const other = this.#targets.get(target.key);
    if (other !== undefined) return { ok: false, message: `the entities ${other} and ${entity.id} have one target: ${target.link}` };
    this.#targets.set(target.key, entity.id);
    return target;
  }

  /** All or none: entities that were replaced while others were sent stand against it, and are looked for before the first link. */
  async #linkAll(): Promise<void> {
    for (const some of this.#verified.pages(PAGE)) {
      const now = await this.#o.catalog.entities.getMany(some.map(({ id }) => id));
      for (const [i, { id, version }] of some.entries()) if (now[i]?.version !== version) this.#changed.push(id);
    }
    if (this.#changed.length === 0) await this.#linkSome();
  }

  async #linkSome(): Promise<void> {
    const { catalog, clearLocal = false } = this.#o;
    for (let some = this.#verified.take(PAGE); some.length > 0; some = this.#verified.take(PAGE)) {
      const outcomes = await catalog.entities.setRemote(
        some.map(({ id }) => id),
        some.map(({ link }) => link),
        { clearLocal, versions: some.map(({ version }) => version), revisions: some.map(({ revision }) => revision) },
      );
      for (const { kind, id } of outcomes) {
        if (kind === 'linked' || kind === 'same') this.#linked++;
        else this.#changed.push(id);
      }
    }
  }
}
