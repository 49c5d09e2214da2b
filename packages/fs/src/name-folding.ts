import { type FileStats, type FileSystem, lstat } from './file-system.ts';

/**
 * Whether a disk takes two names for one: `A` and `a`, or é as one code point and as two. Nothing is written to find out: a name
 * that was found is looked up again in other letters. While the answer is open that costs one call for a name that was found,
 * afterwards nothing on disks that tell all names apart.
 */
export class NameFolding {
  #cases: 'unknown' | 'apart' | 'folded' = 'unknown';
  #forms: 'unknown' | 'apart' | 'folded' = 'unknown';

  /** Whether the entry that was found under the name bears this very name. */
  isExact(fs: FileSystem, folder: string, name: string, found: FileStats): boolean {
    if (this.#cases === 'apart' && (this.#forms === 'apart' || isAscii(name))) return true;
    this.#cases = this.#judge(this.#cases, fs, folder, name, swapCase(name), found);
    if (!isAscii(name)) this.#forms = this.#judge(this.#forms, fs, folder, name, otherForm(name), found);
    return (this.#cases !== 'folded' && this.#forms !== 'folded') || holdsName(fs, folder, name);
  }

  #judge(known: 'unknown' | 'apart' | 'folded', fs: FileSystem, folder: string, name: string, other: string, found: FileStats): 'unknown' | 'apart' | 'folded' {
    if (known !== 'unknown' || other === name) return known;
    const twin = lstat(fs, `${folder}/${other}`);
    if (twin === undefined || twin.ino !== found.ino) return 'apart';
    // One file under two names: a disk that folds them, or two hard links.
    return holdsName(fs, folder, name) && holdsName(fs, folder, other) ? 'apart' : 'folded';
  }
}

function holdsName(fs: FileSystem, folder: string, name: string): boolean {
  const bytes = Buffer.from(name).toString('latin1');
  return fs.readdirSync(folder, { encoding: 'latin1', withFileTypes: true }).some((entry) => entry.name === bytes);
}

function isAscii(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** The name with its first ASCII letter in the other case; the name itself where it has none. */
function swapCase(name: string): string {
  return name.replace(/[a-zA-Z]/, (letter) => (letter >= 'a' ? letter.toUpperCase() : letter.toLowerCase()));
}

/** The name in the other Unicode form; the name itself where both are one. */
function otherForm(name: string): string {
  const composed = name.normalize('NFC');
  return composed === name ? name.normalize('NFD') : composed;
}
