import { type Call, isStorageError } from '@stowage/core';
import type { AnswerHeaders } from '@stowage/wire';
import type { FaultContext } from './azure-error.ts';
import type { StoreConnection } from './wire/store-connection.ts';
import { encodedText } from './xml/text.ts';

interface Block {
  readonly id: string;
  readonly size: number;
}

export interface HeldBlocks {
  /** What the blob is made of. */
  readonly committed: readonly Block[];
  /** What was sent since, by whomever. */
  readonly uncommitted: readonly Block[];
  readonly headers: AnswerHeaders;
}

/** The blocks of a key, where a blob lies there or not. */
export async function heldBlocks(store: StoreConnection, key: string, context: FaultContext, o: Call): Promise<HeldBlocks> {
  try {
    const { text, headers } = await store.text({ ...o, method: 'GET', key, query: { comp: 'blocklist', blocklisttype: 'all' }, right: 'read', context });
    return { committed: blocksIn(text, 'CommittedBlocks'), uncommitted: blocksIn(text, 'UncommittedBlocks'), headers };
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return { committed: [], uncommitted: [], headers: {} };
    throw error;
  }
}

function blocksIn(xml: string, list: string): Block[] {
  const begin = xml.indexOf(`<${list}>`);
  if (begin < 0) return [];
  const part = xml.slice(begin, xml.indexOf(`</${list}>`, begin));
  return Array.from(part.matchAll(/<Block>\s*<Name>([^<]*)<\/Name>\s*<Size>(\d+)<\/Size>\s*<\/Block>/g), ([, id, size]) => ({
    id: id as string,
    size: Number(size),
  }));
}

/** The body of Put Block List: blocks that were sent and not yet committed, in this order. */
export function blockListBody(ids: readonly string[]): Buffer {
  const blocks = ids.map((id) => `<Uncommitted>${encodedText(id)}</Uncommitted>`).join('');
  return Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks}</BlockList>`);
}
