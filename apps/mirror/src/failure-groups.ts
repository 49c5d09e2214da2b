import type { Outcome } from '@stowage/transfer';
import { visible } from '@stowage/terminal';
import { countText } from '@stowage/terminal/quantity-text';

const KEYS_SHOWN = 3;
const MESSAGE_SHOWN = 300;

interface Group {
  count: number;
  readonly kind: 'failed' | 'conflict';
  readonly reason: string;
  readonly message: string;
  readonly keys: string[];
}

/** What to do about a cause; causes that are not here say it in their own message. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: 'look at owner and permissions, or use other credentials',
  OutOfSpace: 'free some space at the destination and run again: what was copied stays',
  Unauthenticated: 'renew the credentials and run again',
  BucketNotFound: 'make the bucket or folder, or correct its name',
  RateLimited: 'run again later, or with fewer --transfers',
  Unavailable: 'the store failed or cannot be reached: run again',
  Timeout: 'the store did not answer in time: run again',
  ChecksumMismatch: 'the bytes were damaged on the way or at rest: run again, and check the disk if it stays',
  unreadable: 'make it readable, or mirror a part that is',
  'source-changed': 'mirror when nobody writes, or run again',
  'destination-changed': 'let nobody else write to the destination, and run again',
  'key-conflict': 'rename one of the two at the source',
  'invalid-key': 'rename it at the source',
  'not-an-object': 'move away what lies there at the destination',
  Unknown: 'run again with STOWAGE_DEBUG=1 for details',
};

/** Failures and conflicts by cause, each with its first keys; of bounded size however many there are. */
export class FailureGroups {
  readonly #groups = new Map<string, Group>();

  add(batch: readonly Outcome[]): void {
    for (const { kind, reason = 'Unknown', key, message = '' } of batch) {
      if (kind !== 'failed' && kind !== 'conflict') continue;
      const name = `${kind}:${reason}`;
      let group = this.#groups.get(name);
      if (group === undefined) this.#groups.set(name, (group = { count: 0, kind, reason, message, keys: [] }));
      group.count++;
      if (group.keys.length < KEYS_SHOWN) group.keys.push(key);
    }
  }

  /** Lines for people; none where nothing went wrong. */
  lines(): string[] {
    const groups = [...this.#groups.values()].toSorted((a, b) => b.count - a.count);
    return groups.flatMap(({ count, kind, reason, message, keys }) => {
      const advice = ADVICE[reason];
      const more = count - keys.length;
      return [
        `${countText(count)} ${kind === 'failed' ? 'failed' : 'in conflict'} (${reason}): ${visible(message).slice(0, MESSAGE_SHOWN)}`,
        ...keys.map((key) => `  ${visible(key)}`),
        ...(more > 0 ? [`  and ${countText(more)} more`] : []),
        ...(advice === undefined ? [] : [`  What to do: ${advice}.`]),
      ];
    });
  }
}
