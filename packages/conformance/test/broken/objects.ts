import { type DriverObject, isStorageError, type ObjectInfo, StorageError, type Upload, type UploadedPart } from '@stowage/core';
import { broken, type BrokenDriver } from './broken-driver.ts';

/** An opened object with another body. */
function withBody(object: DriverObject, body: AsyncIterable<Uint8Array>): DriverObject {
  return { info: object.info, range: object.range, body, close: () => object.close() };
}

async function gathered(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(body));
}

/** Ways to read and write single objects wrongly. */
export const BROKEN_OBJECTS: readonly BrokenDriver[] = [
  broken('a range goes one byte too far', 'a range holds the byte at its start and not the byte at its end', (inner) => ({
    async get(key, o): Promise<DriverObject> {
      const { range } = o;
      if (range === undefined || 'suffix' in range || range.end === undefined) return inner.get(key, o);
      return inner.get(key, { ...o, range: { start: range.start, end: range.end + 1 } });
    },
  })),
  broken('a suffix is taken for a start', 'a suffix gives the last bytes, and all of them where it is longer than the object', (inner) => ({
    get: (key, o) => inner.get(key, o.range !== undefined && 'suffix' in o.range ? { ...o, range: { start: o.range.suffix } } : o),
  })),
  broken('a range past the end is answered with nothing', 'a range that starts at or past the end is InvalidRange', (inner) => ({
    async get(key, o): Promise<DriverObject> {
      try {
        return await inner.get(key, o);
      } catch (error) {
        if (!isStorageError(error, 'InvalidRange')) throw error;
        return inner.get(key, { ...o, range: { start: 0, end: 1 } });
      }
    },
  })),
  broken('a body ends short without an error', 'gives exactly as many bytes as the range of the answer names', (inner) => ({
    async get(key, o): Promise<DriverObject> {
      const object = await inner.get(key, o);
      async function* short(): AsyncIterable<Uint8Array> {
        for await (const chunk of object.body) yield chunk.subarray(0, chunk.byteLength - 1);
      }
      return withBody(object, short());
    },
  })),
  broken(
    'a body that breaks off goes on with whatever is there now',
    'a body that breaks off while the object is replaced never mixes two contents',
    (inner) => ({
      async get(key, o): Promise<DriverObject> {
        const object = await inner.get(key, o);
        async function* resumed(): AsyncIterable<Uint8Array> {
          let at = object.range.start;
          try {
            for await (const chunk of object.body) {
              at += chunk.byteLength;
              yield chunk;
            }
          } catch {
            yield* (await inner.get(key, { range: { start: at, end: object.range.end } })).body;
          }
        }
        return withBody(object, resumed());
      },
    }),
  ),
  broken(
    "the reader's memory is filled from its start for each chunk",
    "content that is put into the reader's memory lies there in order, and nothing beside it",
    (inner) => ({
      async get(key, o): Promise<DriverObject> {
        const object = await inner.get(key, o);
        const { into } = o;
        if (into === undefined) return object;
        async function* over(memory: Uint8Array): AsyncIterable<Uint8Array> {
          for await (const chunk of object.body) {
            for (let at = 0; at < chunk.byteLength; at += 1000) {
              const piece = chunk.subarray(at, at + 1000);
              memory.set(piece);
              yield memory.subarray(0, piece.byteLength);
            }
          }
        }
        return withBody(object, over(into));
      },
    }),
  ),
  broken('one buffer is used for all chunks', 'a chunk that was given stays as it was while the next ones come', (inner) => ({
    async get(key, o): Promise<DriverObject> {
      const object = await inner.get(key, o);
      const buffer = new Uint8Array(1024 * 1024);
      async function* reused(): AsyncIterable<Uint8Array> {
        for await (const chunk of object.body) {
          buffer.set(chunk);
          yield buffer.subarray(0, chunk.byteLength);
        }
      }
      return withBody(object, reused());
    },
  })),
  broken('an unread body holds its slot', 'a thousand abandoned reads leave room for the next', (inner) => {
    let free = 16;
    const waiting: (() => void)[] = [];
    return {
      async get(key, o): Promise<DriverObject> {
        if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
        else free--;
        const object = await inner.get(key, o);
        async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
          try {
            yield* object.body;
          } finally {
            const next = waiting.shift();
            if (next === undefined) free++;
            else next();
          }
        }
        const generator = body();
        // A generator that never began runs no `finally`.
        return { info: object.info, range: object.range, body: generator, close: async () => void (await generator.return()) };
      },
    };
  }),
  broken('head tells the size that it saw first', 'head tells the size of the object as it is now', (inner) => {
    const seen = new Map<string, number>();
    return {
      async head(key, o): Promise<ObjectInfo> {
        const info = await inner.head(key, o);
        const size = seen.get(key) ?? info.size;
        seen.set(key, size);
        return { ...info, size };
      },
    };
  }),
  broken('ifNoneMatch is ignored', 'ifNoneMatch is NotModified for the named revision and reads another', (inner) => ({
    get: (key, { ifNoneMatch: _, ...o }) => inner.get(key, o),
    head: (key, { ifNoneMatch: _, ...o }) => inner.head(key, o),
  })),
  broken('metadata is dropped', 'keeps metadata, with names in lower case and inner spaces', (inner) => ({
    put: (key, body, { metadata: _, ...o }) => inner.put(key, body, o),
  })),
  broken('metadata beyond ASCII becomes question marks', 'metadata beyond ASCII is kept as it is or refused, and never mangled', (inner) => ({
    put: (key, body, o) =>
      inner.put(key, body, {
        ...o,
        metadata: Object.fromEntries(Object.entries(o.metadata ?? {}).map(([name, value]) => [name, value.replaceAll(/[^\n\r -~]/gu, '?')])),
      }),
  })),
  broken('limits of metadata are told that are none', 'metadata that is empty is kept as it is or refused, and never mangled', (inner) => ({
    capabilities: { ...inner.capabilities, metadataLimits: { names: 'token', emptyValues: false } },
  })),
  broken('an overwrite keeps the old metadata', 'an overwrite keeps nothing of the old headers and metadata', (inner) => ({
    async put(key, body, o): Promise<ObjectInfo> {
      const old = await inner.head(key, {}).catch(() => undefined);
      return inner.put(key, body, { ...o, metadata: { ...old?.headers?.metadata, ...o.metadata } });
    },
  })),
  broken('a put that fails removes the old object', 'a source that throws leaves the old object, and its error is told', (inner) => ({
    async put(key, body, o): Promise<ObjectInfo> {
      try {
        return await inner.put(key, body, o);
      } catch (error) {
        await inner.deleteMany([{ key }], {});
        throw error;
      }
    },
  })),
  broken('a put shows its first bytes before its last', 'a write is invisible until it is whole', (inner) => ({
    async put(key, body, o): Promise<ObjectInfo> {
      if (body instanceof Uint8Array) return inner.put(key, body, o);
      async function* telling(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
        for await (const chunk of chunks) {
          await inner.put(key, chunk, {});
          yield chunk;
        }
      }
      return inner.put(key, telling(body), o);
    },
  })),
  broken(
    "the caller's bytes are kept by reference",
    "content stays the caller's: put changes no byte of it, and later changes do not reach the object",
    (inner) => {
      const kept = new Map<string, Uint8Array>();
      return {
        async put(key, body, o): Promise<ObjectInfo> {
          if (body instanceof Uint8Array) kept.set(key, body);
          else kept.delete(key);
          return inner.put(key, body, o);
        },
        async get(key, o): Promise<DriverObject> {
          const bytes = kept.get(key);
          if (bytes !== undefined) await inner.put(key, bytes, {});
          return inner.get(key, o);
        },
      };
    },
  ),
  broken('a chosen modification time is dropped', 'keeps a modification time that the writer chooses', (inner) => ({
    put: (key, body, { lastModified: _, ...o }) => inner.put(key, body, o),
  })),
  broken('progress is not told', 'progress grows and ends at the size', (inner) => ({
    put: (key, body, { onProgress: _, ...o }) => inner.put(key, body, o),
  })),
  broken('if: absent is ignored', 'a put of bytes with if: absent creates once, and is AlreadyExists the second time', (inner) => ({
    put: (key, body, { if: condition, ...o }) => inner.put(key, body, condition === 'absent' || condition === undefined ? o : { ...o, if: condition }),
  })),
  broken('a revision in if is ignored', 'a put of bytes with a stale revision is PreconditionFailed and changes nothing', (inner) => ({
    put: (key, body, { if: condition, ...o }) => inner.put(key, body, condition === 'absent' ? { ...o, if: condition } : o),
  })),
  broken('a condition is looked at first and forgotten when it counts', 'five workers that count to ten by a put of bytes end at 50', (inner) => ({
    async put(key, body, { if: condition, ...o }): Promise<ObjectInfo> {
      if (condition !== undefined && condition !== 'absent') await inner.head(key, { ifMatch: condition });
      await new Promise(setImmediate);
      return inner.put(key, body, o);
    },
  })),
  broken('an aborted upload stays', 'an aborted upload is gone: no leftover, no object, and NotFound for what comes after', (inner) => ({
    async startUpload(key, o): Promise<Upload> {
      const upload = await inner.startUpload(key, o);
      return { ...upload, abort: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  })),
  broken('an upload that is disposed stays', 'disposing an upload aborts it; one that was detached stays open', (inner) => ({
    async startUpload(key, o): Promise<Upload> {
      return { ...(await inner.startUpload(key, o)), [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  })),
  broken('an upload is visible before its completion', 'an upload is invisible until its completion', (inner) => ({
    async startUpload(key, o): Promise<Upload> {
      const upload = await inner.startUpload(key, o);
      return {
        ...upload,
        async part(index, bytes, options): Promise<UploadedPart> {
          await inner.put(key, bytes, {});
          return upload.part(index, bytes, options);
        },
      };
    },
  })),
  broken(
    'parts are put together in the order of their arrival',
    'parts make the object in the order of their indexes, in whatever order they arrive',
    (inner) => ({
      async startUpload(key, o): Promise<Upload> {
        const upload = await inner.startUpload(key, o);
        const arrived: Uint8Array[] = [];
        return {
          ...upload,
          part(index, bytes, options): Promise<UploadedPart> {
            arrived.push(bytes.slice());
            return upload.part(index, bytes, options);
          },
          async complete(): Promise<ObjectInfo> {
            await upload.abort();
            return inner.put(key, Buffer.concat(arrived), {});
          },
        };
      },
    }),
  ),
  broken('a part sent again is kept twice', 'a part sent again replaces the one before', (inner) => ({
    async startUpload(key, o): Promise<Upload> {
      const upload = await inner.startUpload(key, o);
      const sent: UploadedPart[] = [];
      return {
        ...upload,
        async part(index, bytes, options): Promise<UploadedPart> {
          const part = await upload.part(index, bytes, options);
          sent.push(part);
          return part;
        },
        parts: () => Promise.resolve(sent),
      };
    },
  })),
  broken('a resumed upload has forgotten its parts', 'an upload is resumed in another process from its serialised reference', (inner) => ({
    async resumeUpload(ref, o): Promise<Upload> {
      return { ...(await inner.resumeUpload(ref, o)), parts: () => Promise.resolve([]) };
    },
  })),
  broken('completing twice succeeds', 'completing twice is NotFound, and keeps the object', (inner) => ({
    async startUpload(key, o): Promise<Upload> {
      const upload = await inner.startUpload(key, o);
      let done: Promise<ObjectInfo> | undefined;
      return { ...upload, complete: (parts, options) => (done ??= upload.complete(parts, options)) };
    },
  })),
  broken('a copy drops the headers', 'a copy has the content and all headers of its source, which stays', (inner) => ({
    copyMany: (items, o) =>
      inner.copyMany(
        items.map((item) => ({ headers: {}, ...item })),
        o,
      ),
  })),
  broken('sourceIf is ignored', 'sourceIf copies the named revision and no other', (inner) => ({
    copyMany: (items, o) =>
      inner.copyMany(
        items.map(({ sourceIf: _, ...item }) => item),
        o,
      ),
  })),
  broken('a copy clears its destination first', 'a copy onto itself loses nothing, and takes new headers', (inner) => ({
    async copyMany(items, o): ReturnType<typeof inner.copyMany> {
      await inner.deleteMany(
        items.map(({ to }) => ({ key: to })),
        {},
      );
      return inner.copyMany(items, o);
    },
  })),
  broken('outcomes of copies come as they end', 'copyMany gives one outcome per item, in order, and one failure stops no other', (inner) => ({
    copyMany: async (items, o) => (await inner.copyMany(items, o)).toReversed(),
  })),
  broken('setHeaders keeps what it is not told', 'setHeaders replaces all headers and keeps the content', (inner) => ({
    async setHeaders(key, headers, o): Promise<ObjectInfo> {
      return inner.setHeaders(key, { ...(await inner.head(key, {})).headers, ...headers }, o);
    },
  })),
  broken('setHeaders loses the content', 'setHeaders replaces all headers and keeps the content', (inner) => ({
    setHeaders: (key, headers) => inner.put(key, new Uint8Array(), headers),
  })),
  broken('deleteMany stops at the first item that is refused', 'an item that the store refuses stops no other', (inner) => ({
    async deleteMany(items, o): ReturnType<typeof inner.deleteMany> {
      const outcomes: Awaited<ReturnType<typeof inner.deleteMany>>[number][] = [];
      for (const item of items) {
        const last = outcomes.at(-1);
        outcomes.push(...(last?.ok === false ? [{ key: item.key, ok: false as const, error: last.error }] : await inner.deleteMany([item], o)));
      }
      return outcomes;
    },
  })),
  broken('outcomes of deletions come sorted', 'deleteMany gives its outcomes in the order of its items, twins and missing ones among them', (inner) => ({
    deleteMany: async (items, o) => (await inner.deleteMany(items, o)).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  })),
  broken('deleting a missing key is an error', 'deleting a missing key succeeds', (inner) => ({
    async deleteMany(items, o): ReturnType<typeof inner.deleteMany> {
      for (const { key } of items) await inner.head(key, {});
      return inner.deleteMany(items, o);
    },
  })),
  broken('deleting a name deletes what is beneath it', 'deleting what is no object but a common prefix leaves the objects under it', (inner) => ({
    async deleteMany(items, o): ReturnType<typeof inner.deleteMany> {
      for (const { key } of items)
        for await (const page of inner.list({ prefix: key.endsWith('/') ? key : `${key}/` }))
          await inner.deleteMany(
            page.objects.map((object) => ({ key: object.key })),
            {},
          );
      return inner.deleteMany(items, o);
    },
  })),
  broken('a conditional deletion deletes anyway', 'a deletion conditional on a revision takes that and no other', (inner) => ({
    deleteMany: (items, o) =>
      inner.deleteMany(
        items.map(({ key }) => ({ key })),
        o,
      ),
  })),
  broken('the checksum that is told is not of the content', 'checksums that the store tells are those of the content', (inner) => ({
    head: async (key, o) => ({ ...(await inner.head(key, o)), checksums: { crc32: 'AAAAAA==' } }),
  })),
  broken('a write of the same size keeps the revision', 'every write of other content gives another revision', (inner) => ({
    put: async (key, body, o) => ({ ...(await inner.put(key, body instanceof Uint8Array ? body : await gathered(body), o)), revision: { etag: 'size-9' } }),
  })),
  broken('a missing object is Unknown', 'a missing object is NotFound for head and get, and does not exist', (inner) => ({
    head: (key, o) => inner.head(key, o).catch((error: unknown) => Promise.reject(new StorageError('Unknown', 'the server said 404', { cause: error }))),
  })),
];
