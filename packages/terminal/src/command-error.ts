/** The exit code of wrong usage, in every command of Stowage. */
export const USAGE_EXIT = 2;

/** Something that the user can put right: told in one line, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = USAGE_EXIT, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}
