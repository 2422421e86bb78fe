import type { ChaosOptions } from '../options.ts'
import type { Hit } from '../storm.ts'
import type { Gap } from './gaps.ts'
import type { MemberName } from './plan.ts'
import type { TickVerdict } from './verdict.ts'

/** All that came of a run. */
export interface SchedulesOutcome extends TickVerdict {
  hits: readonly Hit<MemberName>[]
  gaps: readonly Gap[]
  /** How often schedules were edited, paused or resumed. */
  changes: number
  /** How many jobs ran that are not in the history. */
  unrecorded: number
  /** What processes did that they should not have done. */
  surprises: readonly string[]
}

const KILLS_PER_MINUTE = 6
/** Half of what a thousand one-second rules have. */
const TICKS_PER_MINUTE = 30_000
const CHANGES_PER_MINUTE = 30

/** Whether every promise was kept, and was put to the test. */
export const hasPassed = (outcome: SchedulesOutcome, options: ChaosOptions): boolean =>
  outcome.problems.length === 0 && objectionsTo(outcome, options).length === 0

export const killsOf = ({ hits }: Pick<SchedulesOutcome, 'hits'>): number =>
  hits.filter(({ kind }) => kind === 'kill').length

/** What speaks against a run whatever became of the ticks, a line each: that nothing went wrong could mean that nothing was tried. */
export function objectionsTo(outcome: SchedulesOutcome, { minutes }: Pick<ChaosOptions, 'minutes'>): string[] {
  const { expected, fired, changes, unrecorded, surprises } = outcome
  const least = (what: string, count: number, perMinute: number): string[] => {
    const wanted = Math.ceil(minutes * perMinute)
    return count >= wanted ? [] : [`expected at least ${wanted} ${what} in ${minutes} min, got ${count}`]
  }
  return [
    ...surprises,
    ...least('kills', killsOf(outcome), KILLS_PER_MINUTE),
    ...least('ticks to expect', expected, TICKS_PER_MINUTE),
    ...least('ticks to fire', fired, TICKS_PER_MINUTE / 2),
    ...least('edits, pauses and resumes', changes, CHANGES_PER_MINUTE),
    ...(unrecorded > 0 ? [`expected every job that ran to be in the history, ${unrecorded} are not`] : []),
  ]
}
