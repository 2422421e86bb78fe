import type { Backoff } from '@foliot/jobs'
import { isCapped, plainBackoffMs } from './backoff.ts'
import { describeDuration } from './describe-duration.ts'

/**
 * How a delay came about, for people: `exponential 4 s with full jitter: 2.7 s`, `list 5 min (delay 2 of 3)`.
 *
 * @param delayMs what the jitter made of it.
 */
export function describeBackoff(backoff: Backoff, failures: number, delayMs: number): string {
  const plain = `${backoff.kind} ${describeDuration(plainBackoffMs(backoff, failures))}${describeNotes(backoff, failures)}`
  return backoff.jitter === 'none' ? plain : `${plain} with ${backoff.jitter} jitter: ${describeDuration(delayMs)}`
}

function describeNotes(backoff: Backoff, failures: number): string {
  const length = backoff.kind === 'list' ? (backoff.delaysMs?.length ?? 0) : 0
  const notes = [
    ...(length > 0 ? [`delay ${Math.min(failures, length)} of ${length}`] : []),
    ...(isCapped(backoff, failures) ? ['capped'] : []),
  ]
  return notes.length > 0 ? ` (${notes.join(', ')})` : ''
}
