/** A schedule's pause, as its definition has it. */
export interface Pause {
  readonly paused: boolean
  /** Why, for people. */
  readonly reason?: string | undefined
  /** When it ends by itself, in milliseconds since 1970; without it, when somebody resumes the schedule. */
  readonly until?: number | undefined
}

/** Why a tick that is due at `dueMs` is skipped by a pause; undefined if it is not. */
export function pauseReason({ paused, reason, until }: Pause, dueMs: number): string | undefined {
  if (!paused || (until !== undefined && dueMs >= until)) return undefined
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`
  return `paused${end}${reason ? `: ${reason}` : ''}`
}
