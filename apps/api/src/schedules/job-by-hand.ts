import { createHash } from 'node:crypto'
import { type Schedule, scheduleKey } from '@foliot/jobs'
import type { NewJob } from '@foliot/queue'
import type { ApiDeps } from '../api.ts'
import { canonicalJson } from '../canonical-json.ts'
import { withExactNumbers } from '../exact-numbers.ts'
import { type RequestOrigin, toNewJob } from '../job-requests.ts'

type Deps = Pick<ApiDeps, 'catalog' | 'inputs' | 'disk' | 'backlog' | 'access'>

/** What of a job by hand is other than the schedule says. */
interface ByHand {
  /** As JSON. Default: that of the schedule. */
  inputText?: string | undefined
  /** In ms since 1970. Default: now. */
  scheduledFor?: number
}

/**
 * The job of a tick that somebody has made by hand.
 *
 * @throws as `toNewJob`
 */
export async function toJobByHand(
  schedule: Schedule,
  byHand: ByHand,
  origin: RequestOrigin,
  deps: Deps,
): Promise<NewJob> {
  const { id, type, labels, jobOptions } = schedule
  const { inputText = schedule.inputText, scheduledFor } = byHand
  const request = { type, input: JSON.parse(inputText) as unknown, labels: { ...labels }, ...jobOptions }
  const { idempotency, ...job } = await toNewJob({ request, inputText }, origin, deps)
  return {
    ...job,
    schedule: { id, scheduledFor: scheduledFor ?? job.createdAt },
    ...(idempotency && { idempotency: { ...idempotency, fingerprint: fingerprintOf(schedule, byHand) } }),
  }
}

/**
 * Of what was asked for alone, whatever the schedule is like by now: whoever repeats a request gets its first job. The same key
 * with the job of no schedule, or of another one, is another request.
 */
function fingerprintOf(schedule: Schedule, { inputText }: ByHand): string {
  const input = inputText === undefined ? undefined : withExactNumbers(JSON.parse(inputText), inputText)
  const text = canonicalJson({ trigger: scheduleKey(schedule), input })
  return createHash('sha256').update(text).digest('base64url')
}
