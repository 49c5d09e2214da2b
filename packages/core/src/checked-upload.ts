import type { Capabilities } from './capabilities.ts';
import type { Call, CompleteOptions, Upload, UploadedPart } from './driver.ts';
import { StorageError } from './storage-error.ts';

/** What a bucket does around each call of an upload, as around its own. */
export interface UploadChecks {
  readonly capabilities: Capabilities;
  /** Runs a call: refuses it where its signal is aborted, and tells operation, provider, bucket and key in its failure. */
  readonly run: <T>(operation: string, o: Call, work: () => Promise<T>) => Promise<T>;
  /** Throws where the options of a completion are none that the store can keep. */
  readonly assertCompletion: (o: CompleteOptions) => void;
}

/** An upload as users hold it: arguments are checked before any request. */
export function checkedUpload(upload: Upload, { capabilities, run, assertCompletion }: UploadChecks): Upload {
  const { maxParts, maxPart } = capabilities.multipart;
  return {
    ref: upload.ref,
    part: (index, bytes, o = {}) =>
      run('part', o, () => {
        if (!Number.isInteger(index) || index < 0 || index >= maxParts)
          throw new StorageError('InvalidArgument', `expected the index of a part to be a whole number from 0 to ${maxParts - 1}; got ${index}`);
        if (bytes.byteLength > maxPart)
          throw new StorageError('InvalidArgument', `expected a part of at most ${maxPart} bytes; part ${index} has ${bytes.byteLength}`);
        return upload.part(index, bytes, o);
      }),
    parts: (o = {}) => run('parts', o, () => upload.parts(o)),
    complete: (parts, o = {}) =>
      run('complete', o, () => {
        assertGapless(parts);
        assertCompletion(o);
        return upload.complete(parts, o);
      }),
    abort: (o = {}) => run('abort', o, () => upload.abort(o)),
    detach: () => upload.detach(),
    [Symbol.asyncDispose]: () => upload[Symbol.asyncDispose](),
  };
}

function assertGapless(parts: readonly UploadedPart[]): void {
  const indexes = parts.map(({ index }) => index).sort((a, b) => a - b);
  const wrong = indexes.findIndex((index, position) => index !== position);
  if (wrong >= 0) throw new StorageError('InvalidArgument', `expected the parts to run from 0 without a gap; ${indexes[wrong]} stands where ${wrong} is due`);
}
