import { createHash } from 'node:crypto'
import { type Schedule, scheduleKey } from '@foliot/jobs'
import type { NewJob } from '@foliot/queue'
import type { ApiDeps } from '../api.ts'
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
  { inputText = schedule.inputText, scheduledFor }: ByHand,
  origin: RequestOrigin,
  deps: Deps,
): Promise<NewJob> {
  const { id, type, labels, jobOptions } = schedule
  const request = { type, input: JSON.parse(inputText) as unknown, labels: { ...labels }, ...jobOptions }
  const { idempotency, ...job } = await toNewJob({ request, inputText }, origin, deps)
  return {
    ...job,
    schedule: { id, scheduledFor: scheduledFor ?? job.createdAt },
    // The same key with the job of no schedule, or of another one, is another request.
    ...(idempotency && {
      idempotency: { ...idempotency, fingerprint: joined(scheduleKey(schedule), idempotency.fingerprint) },
    }),
  }
}

const joined = (...parts: string[]): string => createHash('sha256').update(parts.join('\0')).digest('base64url')
