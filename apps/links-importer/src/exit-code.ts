/** What the process says when it ends: the numbers of `stowage-mirror`, where they mean the same. */
export const EXIT = {
  done: 0,
  /** Some lines, links or entities failed, or the run could not be finished. */
  failed: 1,
  usage: 2,
  /** A links file, or what is to be scanned, is missing or unreadable. */
  source: 3,
  /** The catalog, or the target of a migration, cannot be used. */
  target: 4,
  /** `check` found objects that are gone or changed. */
  mismatch: 6,
} as const;

export const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;
