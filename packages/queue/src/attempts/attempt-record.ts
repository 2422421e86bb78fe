/**
 * What is kept of an attempt that ended without ending the job, or that failed for good. Written by the script that
 * moves the job, as one field of its hash. An attempt that succeeded needs none: the job's own fields tell of it.
 */
export interface AttemptRecord {
  /** The attempt's number. */
  n: number
  worker: string
  /** ms since 1970 */
  start: number
  end: number
  outcome: 'failed' | 'timed_out' | 'snoozed' | 'handed_back' | 'lost'
  error?: { name: string; message: string; kind: string }
  /** Why it goes on as it does, for people. */
  reason?: string
  /** When the next attempt is due, in ms since 1970. */
  nextAt?: number
}

/**
 * The field that holds attempt `n`. The first three attempts and the last seventeen are kept: later ones overwrite each
 * other in turn, so that a job that is retried for ever stays small. `attempt-field.lua` says the same in Lua.
 */
export const attemptField = (n: number): string => `a${n <= 3 ? n : 4 + ((n - 4) % 17)}`

export const ATTEMPT_FIELDS: readonly string[] = Array.from({ length: 20 }, (_, i) => `a${i + 1}`)

/** How much of an error's message an attempt's record keeps; the job itself keeps the last one whole. */
export const RECORD_MESSAGE_BYTES = 1024

/** The attempt that a stored record tells of. Undefined for no record, or one that was broken by hand. */
export function attemptOf(text: string | null | undefined): number | undefined {
  try {
    return (JSON.parse(text ?? 'null') as Partial<AttemptRecord> | null)?.n
  } catch {
    return undefined
  }
}
