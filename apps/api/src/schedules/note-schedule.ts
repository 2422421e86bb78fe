import { type JobType, redact, type Schedule } from '@foliot/jobs'

/** In characters: a longer one is cut in the audit. */
const INPUT_MAX = 2000

/**
 * A schedule as the audit tells of it. Of its input what its type keeps back is left out, and of a type that nobody has
 * announced, which may keep anything back, all of it.
 */
export function noteOf(schedule: Schedule, type: JobType | undefined) {
  const { inputText, from, tenant, id, ...note } = schedule
  return { ...note, input: type ? shortened(redact(JSON.parse(inputText), new Set(type.redact))) : '(not shown)' }
}

/** What a pause or its end changes of it. */
export const pauseOf = ({ paused, pausedReason, pausedUntil, revision }: Schedule) => ({
  revision,
  paused,
  ...(pausedReason !== undefined && { pausedReason }),
  ...(pausedUntil !== undefined && { pausedUntil: new Date(pausedUntil).toISOString() }),
})

function shortened(input: unknown): unknown {
  const text = JSON.stringify(input)
  return text.length <= INPUT_MAX ? input : { cut: text.slice(0, INPUT_MAX), characters: text.length }
}
