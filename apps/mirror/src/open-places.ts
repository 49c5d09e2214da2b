import { type Bucket, openBucket } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { overlap, overlapError, type PlaceIdentity, singleObjectLayer } from '@stowage/transfer';
import { lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { CommandError, type Terminal } from '@stowage/terminal';
import type { Configuration } from './configuration.ts';
import { createdOnWrite } from './created-on-write.ts';
import type { EndpointLoad, EndpointTraffic } from './endpoint-traffic.ts';
import { EXIT } from './exit-code.ts';
import { identityOfPath, isInsideByInode, isWritable, type LocalPath, lookAtPath } from './local-path.ts';
import type { MirrorRequest } from './mirror-request.ts';

/** A tree that is open. */
interface OpenPlace {
  readonly bucket: Bucket;
  /** As it was given. */
  readonly label: string;
  /** Where it is: of one file, the file's. */
  readonly identity: PlaceIdentity;
  /** The folder, where it is one of this machine. */
  readonly folder?: string;
}

export interface OpenPlaces {
  readonly source: OpenPlace;
  readonly destination: OpenPlace;
  /** What goes on at the endpoints of the two, where they have any. */
  loads(): readonly EndpointLoad[];
  close(): Promise<void>;
}

/** A tree that is known, and not yet open. */
export interface Place {
  readonly label: string;
  readonly identity: PlaceIdentity;
  /** The folder, where it is one of this machine. */
  readonly folder?: string;
  /** Where the place is one file of the folder: its name. */
  readonly file?: string;
  readonly open: () => Bucket;
}

/** Opens both places, when they are known to be two, and fit for the command. Nothing is written. */
export async function openPlaces(request: MirrorRequest, terminal: Terminal): Promise<OpenPlaces> {
  const traffic: { at?: EndpointTraffic } = {};
  const configured = onceConfigured(request, terminal, traffic);
  const source = await findPlace(request.source, 'source', request, terminal, configured);
  const destination = await findPlace(request.destination, 'destination', request, terminal, configured);
  if (source.file !== undefined && request.delete)
    throw new CommandError(`--delete needs a folder as its source; ${JSON.stringify(request.source)} is a file, and one file cannot say what is superfluous`);
  refuseOverlap(source, destination);
  const opened = { source: source.open(), destination: destination.open() };
  const only = source.file === undefined ? [] : [singleObjectLayer(source.file)];
  return {
    source: { bucket: opened.source.with(...only), ...known(source, source.file) },
    destination: { bucket: opened.destination.with(...only), ...known(destination, source.file) },
    loads: () => traffic.at?.loads() ?? [],
    async close() {
      await Promise.all([opened.source.close(), opened.destination.close()]);
    },
  };
}

function known({ label, identity, folder }: Place, file: string | undefined): Omit<OpenPlace, 'bucket'> {
  return {
    label,
    identity: file === undefined ? identity : { store: identity.store, path: [...identity.path, file] },
    ...(folder === undefined ? {} : { folder }),
  };
}

const LINK = /^[a-z][a-z0-9+.-]*:\/\//i;

type FindConfigured = (text: string, side: 'source' | 'destination') => Promise<Place>;

/** Finds places in the configuration, which is loaded and read for the first of them, and once. */
function onceConfigured(request: MirrorRequest, terminal: Terminal, traffic: { at?: EndpointTraffic }): FindConfigured {
  let configuration: Configuration | undefined;
  return async (text, side) => {
    // Reading configurations takes time that a mirror of two folders need not spend.
    const [{ findConfiguredPlace }, { Configuration: Loaded }] = await Promise.all([import('./configured-place.ts'), import('./configuration.ts')]);
    return findConfiguredPlace(text, side, () => {
      configuration ??= new Loaded(request, request, terminal);
      traffic.at = configuration.traffic;
      return configuration;
    });
  };
}

async function findPlace(
  text: string,
  side: 'source' | 'destination',
  request: MirrorRequest,
  { cwd }: Terminal,
  findConfigured: FindConfigured,
): Promise<Place> {
  if (text === '') throw new CommandError(`expected a path or a link prefix as ${side}; got nothing`);
  if (LINK.test(text)) return findConfigured(text, side);
  const found = lookAtPath(text, cwd);
  return side === 'source' ? sourcePath(text, found, request) : destinationPath(text, found, request);
}

function sourcePath(label: string, found: LocalPath, request: MirrorRequest): Place {
  switch (found.kind) {
    case 'folder':
      return localPlace(label, found, request, false);
    case 'file':
      if (lstatSync(found.path).isSymbolicLink())
        throw new CommandError(
          `the source ${JSON.stringify(label)} is a symbolic link to a file; name the file itself: ${JSON.stringify(found.realPath)}`,
          EXIT.source,
        );
      return { ...localPlace(label, { ...found, path: dirname(found.path), realPath: dirname(found.realPath) }, request, false), file: basename(found.path) };
    case 'missing':
      throw new CommandError(
        `the source ${JSON.stringify(label)} is not there; expected a folder, a file or a link prefix (the first part that is missing lies in ${JSON.stringify(found.nearest)})`,
        EXIT.source,
      );
    case 'denied':
      throw new CommandError(
        `the source ${JSON.stringify(label)} cannot be looked at: permission denied; look at owner and permissions of the folders above it`,
        EXIT.source,
      );
    case 'other':
      throw new CommandError(`the source ${JSON.stringify(label)} is a socket, pipe or device; expected a folder or a file`, EXIT.source);
  }
}

function destinationPath(label: string, found: LocalPath, request: MirrorRequest): Place {
  const refuse = (why: string): never => {
    throw new CommandError(`the destination ${JSON.stringify(label)} ${why}`, EXIT.destination);
  };
  switch (found.kind) {
    case 'folder':
      break;
    case 'file':
    case 'other':
      return refuse('is a file; expected a folder, or a name that is free; name the folder that shall hold the copies');
    case 'denied':
      return refuse('cannot be looked at: permission denied; look at owner and permissions of the folders above it');
    case 'missing':
      if (request.command === 'check') return refuse('is not there; expected a folder to compare with');
      if (lookAtPath(found.nearest, '/').kind !== 'folder') return refuse(`cannot be made: ${JSON.stringify(found.nearest)} on its path is no folder`);
  }
  if (writes(request) && !isWritable(found.nearest))
    return refuse(`cannot be written: permission denied at ${JSON.stringify(found.nearest)}; look at its owner and permissions`);
  return localPlace(label, found, request, true);
}

function writes({ command, dryRun }: MirrorRequest): boolean {
  return (command === 'sync' || command === 'copy') && !dryRun;
}

function localPlace(label: string, found: Pick<LocalPath, 'path' | 'realPath'>, request: MirrorRequest, isDestination: boolean): Place {
  const { realPath } = found;
  return {
    label,
    identity: identityOfPath(realPath),
    folder: realPath,
    open() {
      const driver = fsDriver({
        root: realPath,
        ...(request.symlinks === undefined ? {} : { symlinks: request.symlinks }),
        durability: request.fsync ? 'full' : 'none',
        // Only a destination that is written to has temporaries of ours, and is ours to clean.
        sweep: isDestination && writes(request),
      });
      const bucket = openBucket(driver);
      return isDestination ? bucket.with(createdOnWrite(realPath)) : bucket;
    },
  };
}

/** Both paths are free of links here; what is left are folders that are mounted at two places. */
function refuseOverlap(source: Place, destination: Place): void {
  const found = overlap(source.identity, destination.identity) ?? overlapByInode(source.folder, destination.folder);
  // One file may well go to a folder above or below its own.
  if (found === undefined || (source.file !== undefined && found !== 'same')) return;
  throw new CommandError(
    `${overlapError(found).message} (source ${JSON.stringify(source.label)}, destination ${JSON.stringify(destination.label)})`,
    EXIT.guard,
  );
}

function overlapByInode(
  source: string | undefined,
  destination: string | undefined,
): 'same' | 'source-inside-destination' | 'destination-inside-source' | undefined {
  if (source === undefined || destination === undefined) return undefined;
  const inside = isInsideByInode(source, destination);
  const around = isInsideByInode(destination, source);
  if (inside && around) return 'same';
  return inside ? 'source-inside-destination' : around ? 'destination-inside-source' : undefined;
}
