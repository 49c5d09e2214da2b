/** `Retry-After` in milliseconds: whole seconds or a date (RFC 9110, 10.2.3); undefined where it is neither, or not there. */
export function retryAfterMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** How far this machine's clock is from the server's, by the answer's `Date`; for a message behind "the clocks differ: ". */
export function clockDifference(date: string | undefined): string {
  const server = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(server)) return 'the server refuses the time of the request';
  const minutes = Math.round((Date.now() - server) / 60_000);
  return `this machine is ${Math.abs(minutes)} minutes ${minutes < 0 ? 'behind' : 'ahead of'} the server (${new Date(server).toISOString()})`;
}
