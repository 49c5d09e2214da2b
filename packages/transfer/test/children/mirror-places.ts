import { type Bucket, delegate, type Layer, openBucket, retryLayer } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { minioDriver } from '@stowage/minio';
import { appendFileSync } from 'node:fs';
import type { MirrorReport } from '../../src/index.ts';
import { balancedMirror } from '../balanced-mirror.ts';

/** A tree, as plain data for the command line of a child. */
export type ChildPlace =
  | { readonly kind: 'fs'; readonly root: string }
  | { readonly kind: 'minio'; readonly endpoint: string; readonly bucket: string; readonly accessKeyId: string; readonly secretAccessKey: string };

export interface ChildRun {
  readonly from: ChildPlace;
  readonly to: ChildPlace;
  readonly stateFolder: string;
  /** A line is added for each write that the destination has taken: what it was, its key and its bytes. */
  readonly log: string;
  readonly partSize: number;
  readonly delete: boolean;
  /** Whether the process is killed when the store has begun the first upload, before anybody here knows of it. */
  readonly dieOnUpload?: true;
}

export function openPlace(place: ChildPlace, ...layers: Layer[]): Bucket {
  if (place.kind === 'fs') return openBucket(fsDriver({ root: place.root, durability: 'none' }), { layers: [...layers] });
  const { endpoint, bucket, accessKeyId, secretAccessKey } = place;
  return openBucket(minioDriver({ endpoint, credentials: { accessKeyId, secretAccessKey }, store: 'minio' }, bucket), { layers: [...layers, retryLayer()] });
}

/** One run between two places, as the command does it. */
export async function runMirror(run: ChildRun): Promise<MirrorReport> {
  const identity = (place: ChildPlace): { store: string; path: string[] } =>
    place.kind === 'fs' ? { store: 'file', path: [place.root] } : { store: place.endpoint, path: [place.bucket] };
  const source = openPlace(run.from);
  const destination = openPlace(run.to, logging(run.log), ...(run.dieOnUpload === true ? [dyingOnUpload] : []));
  try {
    return await balancedMirror(source, destination, {
      mode: 'sync',
      delete: run.delete,
      partSize: run.partSize,
      scratchFolder: run.stateFolder,
      now: () => performance.now(),
      journal: { stateFolder: run.stateFolder, source: identity(run.from), destination: identity(run.to), today: () => new Date() },
    }).report;
  } finally {
    await source.close();
    await destination.close();
  }
}

const dyingOnUpload: Layer = (inner) =>
  delegate(inner, {
    async startUpload(key, o) {
      const upload = await inner.startUpload(key, o);
      process.kill(process.pid, 'SIGKILL');
      return upload;
    },
  });

function logging(log: string): Layer {
  const wrote = (what: string, key: string, bytes: number): void => appendFileSync(log, `${what} ${JSON.stringify(key)} ${bytes}\n`);
  const watched = (upload: Awaited<ReturnType<Bucket['upload']>>): typeof upload => ({
    ref: upload.ref,
    async part(index, bytes, o) {
      const part = await upload.part(index, bytes, o);
      wrote(`part-${index}`, upload.ref.key, bytes.byteLength);
      return part;
    },
    parts: (o) => upload.parts(o),
    complete: (parts, o) => upload.complete(parts, o),
    abort: (o) => upload.abort(o),
    detach: () => upload.detach(),
    [Symbol.asyncDispose]: () => upload[Symbol.asyncDispose](),
  });
  return (inner) =>
    delegate(inner, {
      async put(key, body, o) {
        const info = await inner.put(key, body, o);
        wrote('put', key, info.size);
        return info;
      },
      startUpload: async (key, o) => watched(await inner.startUpload(key, o)),
      resumeUpload: async (ref, o) => watched(await inner.resumeUpload(ref, o)),
    });
}
