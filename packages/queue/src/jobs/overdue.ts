import { ERROR_KINDS } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { parseCancelRequest, UNREADABLE_REQUEST } from '../attempts/cancel-request.ts'
import type { HeldClaim } from '../attempts/claim.ts'
import { bullKeys, deadlinesKey, unrecordedKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { cancellation } from './timeline.ts'

export const LOOK_FOR_OVERDUE_EVERY_MS = 1000
/** How many jobs one call looks at, and how many it passes on its search for them. Redis does nothing else meanwhile. */
const AT_A_TIME = 100
const SEARCHED_AT_A_TIME = 1_000_000

/** Its kind and its name. */
const ERROR = [ERROR_KINDS.deadline, 'TimeoutError']
const MESSAGE = 'the deadline of the job passed while it waited'
const NOT_STARTED = 'no worker started the job in time'
const CANCELLED = cancellation({ by: 'its schedule', reason: NOT_STARTED })

/**
 * Ends jobs of a queue that wait past their deadline, up to a hundred of them: they have timed out; and those that no worker
 * started by when it had to: they are cancelled, or have failed. What is past is told by the clock of Redis. One that runs is left
 * to its worker. Any number of processes may do it at once.
 *
 * @returns how many ended by it, and whether more may be due
 */
export async function endOverdue(redis: Redis, queue: string): Promise<{ ended: number; more: boolean }> {
  const k = bullKeys(queue)
  const keys = [
    deadlinesKey(queue),
    k.wait,
    k.prioritized,
    k.delayed,
    k.failed,
    k.events,
    unrecordedKey(queue),
    k.completed,
  ]
  const error = [...ERROR, MESSAGE]
  const args = [k.base, AT_A_TIME, LOOK_FOR_OVERDUE_EVERY_MS, ...error, SEARCHED_AT_A_TIME, NOT_STARTED, CANCELLED]
  const [ended, more] = (await runScript(redis, 'endOverdue', keys, args)) as [number, number]
  return { ended, more: more === 1 }
}

/**
 * Starts a job that was just claimed, and has to start by some time. If that is past, the job ends instead, as by `endOverdue`: its
 * attempt counts, but has no start in the timeline. That BullMQ claimed it is on the event stream already.
 *
 * @param token of its lock
 * @returns the claim to start, with the request to cancel the job if somebody has made one by now: then it is never too late.
 *   Undefined if the job has ended, or another worker has it now
 */
export async function startInTime(redis: Redis, claim: HeldClaim, token: string): Promise<HeldClaim | undefined> {
  const { queue, id, attempt, stalls } = claim
  const k = bullKeys(queue)
  const keys = [deadlinesKey(queue), k.active, k.stalled, k.failed, k.completed, k.events, unrecordedKey(queue)]
  const args = [k.base, id, token, attempt, stalls, ...ERROR, NOT_STARTED, CANCELLED]
  const reply = await runScript(redis, 'startInTime', keys, args)
  if (typeof reply === 'string') return { ...claim, cancelRequest: parseCancelRequest(reply) ?? UNREADABLE_REQUEST }
  return reply === 1 ? claim : undefined
}
