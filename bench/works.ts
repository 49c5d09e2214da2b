/** Runs the works that the command line names, else all. */
export async function runWorks(works: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  const chosen = process.argv.slice(2);
  for (const name of chosen.length > 0 ? chosen : Object.keys(works)) {
    const work = works[name];
    if (work === undefined) throw new Error(`expected one of ${Object.keys(works).join(', ')}; got ${name}`);
    await work();
  }
}
