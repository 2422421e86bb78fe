import { FoliotError, type Job, type JobStatus } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import type { CancelMessage, CancelRequest } from '../attempts/cancel-request.ts'
import {
  bullKeys,
  cancelChannel,
  deadlinesKey,
  indexKey,
  jobKey,
  lockKey,
  unkeptDeadKey,
  unrecordedKey,
} from '../keys.ts'
import { LOCK_MS } from '../locks/lock-scripts.ts'
import { type Arg, runScript } from '../redis/scripts.ts'
import { readStoredJob, statusOf, toJob } from './job-hash.ts'
import { type CallerEvent, cancellation } from './timeline.ts'

/** Where a job is: its queue and id. */
export interface JobRef {
  queue: string
  id: string
}

/** Who asked for a move and why, for the timeline. */
export interface MoveReason {
  by: string
  reason?: string
}

/**
 * Ends a job that waits for its time, its turn or its retry. One that runs is asked to end, in whatever process: what
 * comes of it is told by the job. Asking again changes nothing, unless its lock ran out and no other worker has noticed: such
 * a job ends here when it is asked for again, `LOCK_MS` after the first request that found it so at the earliest.
 *
 * @throws FoliotError `not_found`, or `illegal_transition` with the status it is in.
 */
export async function cancelJob(
  redis: Redis,
  { queue, id }: JobRef,
  { by, reason = 'cancelled' }: MoveReason,
): Promise<Job> {
  const k = bullKeys(queue)
  const places = [k.wait, k.prioritized, k.delayed, k.completed]
  const job = [jobKey(queue, id), lockKey(queue, id)]
  const keys = [...job, ...places, k.events, deadlinesKey(queue), k.active, k.marker, k.meta]
  const request: CancelRequest = { by, reason, at: Date.now() }
  const message: CancelMessage = { queue, id, request }
  const texts = [cancellation({ by, reason }), JSON.stringify(request), cancelChannel, JSON.stringify(message)]
  const moved = await runScript(redis, 'cancel', keys, [id, request.at, ...texts, LOCK_MS])
  return jobAfter(redis, { queue, id }, moved !== 0, 'cancelled')
}

/**
 * Makes a scheduled or retrying job due now.
 *
 * @throws FoliotError `not_found`, or `illegal_transition` with the status it is in.
 */
export async function promoteJob(redis: Redis, { queue, id }: JobRef, reason: MoveReason): Promise<Job> {
  const k = bullKeys(queue)
  const keys = [k.delayed, k.wait, k.paused, k.meta, k.prioritized, k.active, k.pc, k.events, k.marker]
  const moved = await runScript(redis, 'promote', keys, [k.base, id, callerEvent('promoted', reason)])
  return jobAfter(redis, { queue, id }, moved === 1, 'queued', 'promoted')
}

/**
 * Puts one dead letter back into its queue, with all its attempts and all its time (`deadlineMs`) to go.
 *
 * @throws FoliotError `not_found`, or `illegal_transition` with the status it is in.
 */
export async function redriveJob(redis: Redis, { queue, id }: JobRef, reason: MoveReason): Promise<Job> {
  const moved = await redriveJobs(redis, queue, [id], reason)
  return jobAfter(redis, { queue, id }, moved === 1, 'queued', 'redriven')
}

/** Puts dead letters back into their queue. Ids that are none (any more) are passed over. Returns how many moved. */
export async function redriveJobs(
  redis: Redis,
  queue: string,
  ids: readonly string[],
  reason: MoveReason,
): Promise<number> {
  if (ids.length === 0) return 0
  const { keys, args } = deadLetterMove('redrive', queue, reason)
  return ((await runScript(redis, 'redrive', keys, [...args, ...ids])) as string[]).length
}

export type DeadLetterMove = 'redrive' | 'discard'

/** What a script that moves dead letters is called with: its keys, and its arguments but for the ids, which come last. */
export function deadLetterMove(
  move: DeadLetterMove,
  queue: string,
  reason: MoveReason,
): { keys: string[]; args: Arg[] } {
  const k = bullKeys(queue)
  const dead = [unrecordedKey(queue), unkeptDeadKey(queue)]
  if (move === 'discard') {
    return { keys: [k.failed, k.completed, ...dead], args: [k.base, Date.now(), callerEvent('discarded', reason)] }
  }
  const places = [k.failed, k.wait, k.prioritized, k.pc, k.events, k.marker, k.meta]
  const keys = [...places, deadlinesKey(queue), indexKey(queue), ...dead]
  return { keys, args: [k.base, Date.now(), callerEvent('redriven', reason)] }
}

function callerEvent(event: CallerEvent['event'], { by, reason }: MoveReason): string {
  return JSON.stringify({
    at: Date.now(),
    event,
    detail: reason ? `by ${by}: ${reason}` : `by ${by}`,
  } satisfies CallerEvent)
}

async function jobAfter(redis: Redis, ref: JobRef, moved: boolean, to: JobStatus, verb: string = to): Promise<Job> {
  const stored = await readStoredJob(redis, ref.queue, ref.id)
  if (!stored) throw new FoliotError('not_found', `there is no job ${ref.id}`)
  if (!moved) {
    const status = statusOf(stored)
    const aside = stored.fields.discardedAt ? ' and discarded' : ''
    throw new FoliotError('illegal_transition', `a job that is ${status}${aside} cannot be ${verb}`, {
      hint: HINTS[to] ?? 'read the job again: it may have moved in the meantime',
    })
  }
  return toJob(stored)
}

const HINTS: Partial<Record<JobStatus, string>> = {
  cancelled: 'only a job that has not ended can be cancelled',
  queued: 'only a scheduled or retrying job can be promoted, and only a failed or timed out one redriven',
}
