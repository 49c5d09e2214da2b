import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

const CHECK_MS = 20;

/**
 * Keeps V8's young generation from growing past about so many bytes. What a listing makes dies young, and V8 answers with an
 * ever larger space for it: 110 MB after a million keys, at no gain in speed. The limit is a flag of the command line only, but
 * the growth factor is read whenever it would grow.
 *
 * @param reached called when it has grown to that: there is much to do
 */
export function limitYoungGeneration(bytes: number, reached: () => void = () => undefined): void {
  const timer = setInterval(() => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    if (young !== undefined && young.space_size < bytes) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    clearInterval(timer);
    reached();
  }, CHECK_MS);
  timer.unref();
}

/**
 * Lets the heap grow to so many percent above what is alive before it is collected again, where V8 would let it double and more: a
 * run that holds little and makes much stays small, for some seconds of collecting in a minute.
 */
export function limitHeapGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
