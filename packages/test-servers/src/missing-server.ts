/** A server that runs, or why there is none on this machine. */
export type ServerOrReason<S> = { readonly server: S; readonly missing?: undefined } | { readonly server?: undefined; readonly missing: string };

/** Starts a server. Where it cannot be had, tests are skipped with the reason that comes back; in CI (`CI=true`) that is a failure. */
export async function serverOrReason<S>(start: () => Promise<S>): Promise<ServerOrReason<S>> {
  try {
    return { server: await start() };
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}
