/**
 * Begins `work` on items before the results of earlier ones are taken: up to `depth` of them are under way, and results come in the
 * order of the items. Leaving early waits for what is under way.
 */
export async function* mapAhead<T, R>(items: AsyncIterable<T>, depth: number, work: (item: T) => Promise<R>): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Its failure is met when its turn comes, and is not unheard until then.
      result.catch(() => undefined);
      underWay.push(result);
      const first = underWay.length > depth ? underWay.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) yield await next;
  } finally {
    await Promise.allSettled(underWay);
  }
}
