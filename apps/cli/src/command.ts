import type { CliEnv } from './env.ts'

/** What a command works with. */
export interface Surroundings {
  /** Read when it is needed: help needs none. */
  env(): CliEnv
  /**
   * A part of the answer, on stdout. Resolves when it is taken, so that who waits for it keeps no more in memory.
   *
   * @throws ClosedOutputError when nobody reads any more.
   */
  out(text: string): Promise<void>
  /** For people, on stderr. */
  note(text: string): void
}

export interface Command {
  /** One line for the list of commands. */
  summary: string
  /** What `--help` prints: how it is called, and what each argument means. */
  help: string
  /** @throws UsageError for arguments that are not as expected, and FoliotError or Error for what could not be done. */
  run(args: string[], surroundings: Surroundings): Promise<void>
}

/** Commands about one thing, by name. */
export type Area = Readonly<Record<string, Command>>

/** Whoever read the answer has enough, like `head`. */
export class ClosedOutputError extends Error {
  override readonly name = 'ClosedOutputError'
}

/** Arguments that are not as expected. The message says what was, and what came. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
