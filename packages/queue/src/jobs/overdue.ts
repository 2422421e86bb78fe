import { ERROR_KINDS } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { bullKeys, deadlinesKey, unrecordedKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { cancellation } from './timeline.ts'

export const LOOK_FOR_OVERDUE_EVERY_MS = 1000
/** How many jobs one call looks at, and how many it passes on its search for them. Redis does nothing else meanwhile. */
const AT_A_TIME = 100
const SEARCHED_AT_A_TIME = 1_000_000

const MESSAGE = 'the deadline of the job passed while it waited'
const NOT_STARTED = 'no worker took the job in time'
const CANCELLED = cancellation({ by: 'its schedule', reason: NOT_STARTED })

/**
 * Ends jobs of a queue that wait past their deadline, up to a hundred of them: they have timed out; and those that no worker took
 * by when they were to start: they are cancelled, or have failed. One that runs is left to its worker. Any number of processes may do it at once.
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
  const error = [ERROR_KINDS.deadline, 'TimeoutError', MESSAGE]
  const args = [
    k.base,
    Date.now(),
    AT_A_TIME,
    LOOK_FOR_OVERDUE_EVERY_MS,
    ...error,
    SEARCHED_AT_A_TIME,
    NOT_STARTED,
    CANCELLED,
  ]
  const [ended, more] = (await runScript(redis, 'endOverdue', keys, args)) as [number, number]
  return { ended, more: more === 1 }
}
