import { type JobType, redact, type Schedule } from '@foliot/jobs'

/** In characters: a longer one is cut in the audit. */
const INPUT_MAX = 2000

/** These are instants, and told as everywhere; all other numbers are durations in ms, or counts. */
const INSTANTS = ['at', 'anchor', 'startAt', 'endAt', 'pausedUntil', 'createdAt', 'updatedAt'] as const

/**
 * A schedule as the audit tells of it. Of its input what its type keeps back is left out, and of a type that nobody has
 * announced, which may keep anything back, all of it.
 */
export function noteOf(schedule: Schedule, type: JobType | undefined) {
  const { inputText, from, tenant, id, ...note } = schedule
  return {
    ...note,
    ...instantsOf(schedule),
    input: type ? shortened(redact(JSON.parse(inputText), new Set(type.redact))) : '(not shown)',
  }
}

function instantsOf(schedule: Schedule): Partial<Record<(typeof INSTANTS)[number], string>> {
  const told: Partial<Record<(typeof INSTANTS)[number], string>> = {}
  for (const name of INSTANTS) {
    const ms = schedule[name]
    if (ms !== undefined) told[name] = iso(ms)
  }
  return told
}

/** What a pause or its end changes of it. */
export const pauseOf = ({ paused, pausedReason, pausedUntil, revision }: Schedule) => ({
  revision,
  paused,
  ...(pausedReason !== undefined && { pausedReason }),
  ...(pausedUntil !== undefined && { pausedUntil: iso(pausedUntil) }),
})

const iso = (ms: number): string => new Date(ms).toISOString()

function shortened(input: unknown): unknown {
  const text = JSON.stringify(input)
  return text.length <= INPUT_MAX ? input : { cut: text.slice(0, INPUT_MAX), characters: text.length }
}
