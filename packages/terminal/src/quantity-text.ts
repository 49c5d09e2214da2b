import prettyBytes from 'pretty-bytes';

const NUMBER = new Intl.NumberFormat('en-US');

/** `12,345`. */
export function countText(count: number): string {
  return NUMBER.format(count);
}

/** `1 line`, `2 lines`; `plural` where an s is not enough. */
export function countOf(count: number, one: string, plural = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : plural}`;
}

/** `48.2 MiB`. */
export function bytesText(bytes: number): string {
  return prettyBytes(bytes, { binary: true });
}

/** `0.8 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
