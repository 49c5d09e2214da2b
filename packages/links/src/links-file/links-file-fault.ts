/** Why a whole links file, or the rest of it, cannot be read. `message` names file and line. */
export class LinksFileFault extends Error {
  override readonly name = 'LinksFileFault';
  /** As it was named. */
  readonly file: string;
  /** From 1; the line at which reading ended. */
  readonly line: number;
  readonly reason: string;

  constructor(file: string, line: number, reason: string, cause?: unknown) {
    super(`${file}:${line}: ${reason}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.line = line;
    this.reason = reason;
  }
}
