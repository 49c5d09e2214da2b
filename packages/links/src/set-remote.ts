import type { Catalog, IdLike, ProjectType, RemoteOutcome, SetRemoteOptions } from '@stowage/catalog';

/** As `Entities.setRemote`, for any number of ids. */
export type SetRemoteCall = Omit<SetRemoteOptions, 'type'>;

/** Links entities of projects of images: see `Entities.setRemote`. Entities of other projects end in `wrong-type`. */
export function setRemoteImages(catalog: Catalog, ids: readonly IdLike[], links: readonly string[], o: SetRemoteCall = {}): Promise<RemoteOutcome[]> {
  return setRemote(catalog, 'images', ids, links, o);
}

/** Links entities of projects of videos: see `Entities.setRemote`. Entities of other projects end in `wrong-type`. */
export function setRemoteVideos(catalog: Catalog, ids: readonly IdLike[], links: readonly string[], o: SetRemoteCall = {}): Promise<RemoteOutcome[]> {
  return setRemote(catalog, 'videos', ids, links, o);
}

function setRemote(catalog: Catalog, type: ProjectType, ids: readonly IdLike[], links: readonly string[], o: SetRemoteCall): Promise<RemoteOutcome[]> {
  return catalog.entities.setRemote(ids, links, { ...o, type });
}
