import type { Dataset, Entity, Id, Project } from '@stowage/catalog';
import { type Bucket, formatLink, type LinkSchemes, parseLinkPrefix, type Storages, StorageError, tryParseLink } from '@stowage/core';
import type { EntitiesMapEntry, MigrateLayout } from './migrate-options.ts';

/** Where an entity goes, or why it can go nowhere. */
export type Target = { readonly ok: true; readonly key: string; readonly link: string } | { readonly ok: false; readonly message: string };

/** The bucket and the directory that a project goes to. */
export class MigrateTarget {
  readonly bucket: Bucket;
  readonly #provider: string;
  readonly #name: string;
  readonly #directory: string;
  readonly #schemes: LinkSchemes | undefined;

  /** Throws `InvalidLink` and `Config` as `Storages.bucket`. */
  constructor(to: string, storages: Storages, schemes?: LinkSchemes) {
    const place = parseLinkPrefix(to, schemes === undefined ? {} : { schemes });
    this.bucket = storages.bucket(to.slice(0, to.length - place.prefix.length));
    this.#provider = place.provider;
    this.#name = place.bucket;
    this.#schemes = schemes;
    // A directory, with or without its slash.
    this.#directory = place.prefix === '' || place.prefix.endsWith('/') ? place.prefix : `${place.prefix}/`;
    if (this.bucket.capabilities.readOnly)
      throw new StorageError('InvalidArgument', `expected a target that can be written; ${this.bucket.provider} ${JSON.stringify(place.bucket)} is read-only`);
  }

  /** Canonical, for messages and as a mark of the run. */
  get text(): string {
    return `${this.#provider}://${this.#name}/${this.#directory}`;
  }

  of(entity: Entity, project: Project, datasetPath: readonly Id[], entry: EntitiesMapEntry | undefined): Target {
    if (entry?.remote !== undefined) return this.#named(entry.remote);
    return this.#at(`${this.#directory}${project.type}/${project.id}/${datasetPath.join('/')}/${entity.name}`);
  }

  #named(remote: string): Target {
    if (!remote.includes('://')) {
      const slash = remote.indexOf('/');
      if (slash > 0 && remote.slice(0, slash) === this.#name) return this.#at(remote.slice(slash + 1));
      return { ok: false, message: `expected ${JSON.stringify(`${this.#name}/…`)} or a link into that bucket as "remote"; got ${JSON.stringify(remote)}` };
    }
    const parsed = tryParseLink(remote, this.#schemes === undefined ? {} : { schemes: this.#schemes });
    if (!parsed.ok) return { ok: false, message: `"remote" is no link: column ${parsed.column}: ${parsed.reason}` };
    const { link } = parsed;
    if (link.kind === 'object' && link.provider === this.#provider && link.bucket === this.#name) return this.#at(link.key);
    return { ok: false, message: `expected "remote" to lie in the target's bucket ${JSON.stringify(this.#name)}; got ${JSON.stringify(remote)}` };
  }

  #at(key: string): Target {
    const fault = this.bucket.checkKey(key);
    if (fault !== undefined) return { ok: false, message: `${JSON.stringify(key)} cannot be a key of the target: ${fault}` };
    const link = formatLink(
      { kind: 'object', provider: this.#provider, bucket: this.#name, key },
      this.#schemes === undefined ? {} : { schemes: this.#schemes },
    );
    return { ok: true, key, link };
  }
}

/** For each dataset, what stands between the project's folder and the entity's name. */
export function datasetPaths(datasets: readonly Dataset[], layout: MigrateLayout): (id: Id) => readonly Id[] {
  const paths = new Map<Id, readonly Id[]>();
  // A parent comes before its children.
  for (const { id, parentId } of datasets) paths.set(id, layout === 'flat' || parentId === undefined ? [id] : [...(paths.get(parentId) ?? []), id]);
  return (id) => paths.get(id) ?? [id];
}

/** Bucket and key of a local pointer, `/<bucket>/<key>`; undefined where it is none. */
export function readLocal(local: string): { readonly bucket: string; readonly key: string } | undefined {
  const match = /^\/([^/]+)\/([^]+)$/.exec(local);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { bucket: match[1], key: match[2] };
}
