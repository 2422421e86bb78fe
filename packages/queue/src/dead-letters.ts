import type { Redis } from 'ioredis'
import type { Envelope } from './envelope.ts'
import { parse } from './job-hash.ts'
import { bullKeys, jobKey } from './keys.ts'
import type { JobFilter } from './list-jobs.ts'

const CHUNK = 500

/**
 * Walks the dead letters of a queue that fit a filter, oldest first, in chunks of ids. Those that died after the walk
 * began are left out, so that one which is redriven and dies again is not met twice. Memory stays flat.
 *
 * What the caller moves out of the set while the walk goes on is not missed nor met twice: `moved` tells how many of a
 * chunk are gone.
 */
export async function* walkDeadLetters(
  redis: Redis,
  queue: string,
  filter: Omit<JobFilter, 'queues'>,
  startedAt: number,
): AsyncGenerator<string[], void, number | undefined> {
  const { failed } = bullKeys(queue)
  const until = Math.min(filter.to === undefined ? Number.POSITIVE_INFINITY : filter.to - 1, startedAt)
  let offset = 0
  for (;;) {
    const ids = await redis.zrangebyscore(failed, filter.from ?? 0, until, 'LIMIT', offset, CHUNK)
    if (ids.length === 0) return
    const matching = await keepMatching(redis, queue, ids, filter)
    const moved = matching.length > 0 ? ((yield matching) ?? 0) : 0
    offset += ids.length - moved
  }
}

async function keepMatching(
  redis: Redis,
  queue: string,
  ids: string[],
  { type, label, errorKind, ids: wanted }: Omit<JobFilter, 'queues'>,
): Promise<string[]> {
  const candidates = wanted ? ids.filter((id) => wanted.has(id)) : ids
  if (type === undefined && label === undefined && errorKind === undefined) return candidates
  const pipeline = redis.pipeline()
  for (const id of candidates) pipeline.hmget(jobKey(queue, id), 'name', 'ek', 'env')
  const replies = (await pipeline.exec()) ?? []
  return candidates.filter((_, i) => {
    const [error, fields] = replies[i] as [Error | null, (string | null)[]]
    if (error) throw error
    const [name, kind, env] = fields
    const labels = parse<Envelope>(env ?? undefined)?.labels
    return (
      (type === undefined || name === type) &&
      (errorKind === undefined || (kind ?? 'error') === errorKind) &&
      (label === undefined || labels?.[label.key] === label.value)
    )
  })
}
