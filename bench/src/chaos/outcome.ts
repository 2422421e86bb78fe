import type { JobRecord } from './ledger.ts'
import type { Recovery } from './recovery.ts'
import type { Sink } from './sink.ts'
import type { Hit } from './storm.ts'
import type { Verdict } from './verdict.ts'

/** All that came of a run. */
export interface Outcome extends Verdict {
  records: readonly JobRecord[]
  /** How many jobs are in the history. */
  recorded: number
  hits: readonly Hit[]
  /** How often each answer came to a request that enqueues. */
  answers: ReadonlyMap<string, number>
  effects: Sink['effects']
  recoveries: readonly Recovery[]
  /** How many requests were still not accepted when all had come to rest. */
  unaccepted: number
  /** What processes did that they should not have done. */
  surprises: readonly string[]
}

/** Whether every promise was kept, and was put to the test. */
export const hasPassed = (outcome: Outcome): boolean =>
  outcome.problems.length === 0 && objectionsTo(outcome).length === 0

/**
 * What speaks against a run whatever became of the accepted jobs, a line each. Without these, that nothing went wrong could
 * mean that nothing was tried.
 */
export function objectionsTo({ records, unaccepted, surprises }: Outcome): string[] {
  const objections = [...surprises]
  if (records.length === 0) objections.push('expected requests to be accepted, none was')
  if (unaccepted > 0) objections.push(`expected every request to be accepted in the end, ${unaccepted} were not`)
  return objections
}
