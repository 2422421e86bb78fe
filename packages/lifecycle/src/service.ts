/**
 * A part of a process that runs until told to stop. `start` resolves when it does its work; `stop` resolves when it no
 * longer does, and is safe twice and without a start.
 */
export interface Service {
  /** For log lines. */
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
}
