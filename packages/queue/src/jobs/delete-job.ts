import type { Redis } from 'ioredis'
import { bullKeys, indexKey, jobKey, lockKey, logsKey, unkeptDeadKey, unkeptKey, unrecordedKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import type { JobRef } from './moves.ts'

/**
 * Deletes all that Redis holds of a job that has ended: its input, its output, its log. An idempotency record stays for its 24
 * hours; it has an id, a digest and times.
 *
 * @returns `open` for a job that has not ended: nothing of it was deleted
 */
export async function deleteEndedJob(redis: Redis, { queue, id }: JobRef): Promise<'deleted' | 'gone' | 'open'> {
  const { completed, failed } = bullKeys(queue)
  const places = [indexKey(queue), completed, failed, unrecordedKey(queue), unkeptKey(queue), unkeptDeadKey(queue)]
  const keys = [jobKey(queue, id), lockKey(queue, id), logsKey(queue, id), ...places]
  const done = (await runScript(redis, 'deleteJob', keys, [id])) as number
  return done === 1 ? 'deleted' : done === 0 ? 'gone' : 'open'
}
