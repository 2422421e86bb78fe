import type { Redis } from 'ioredis'
import type { Envelope } from './envelope.ts'
import { parse } from './job-hash.ts'
import { bullKeys, jobKey } from './keys.ts'
import type { JobFilter } from './list-jobs.ts'

const CHUNK = 500

/** Which dead letters are meant. Their status says no more than that they are some. */
export type DeadLetterFilter = Omit<JobFilter, 'statuses' | 'deadLetters'>

/**
 * Walks the dead letters of a queue that fit a filter, oldest first, in chunks of ids. Those that died after the walk
 * began are left out, so that one which is redriven and dies again is not met twice. Memory stays flat.
 *
 * The walk goes by the time of death, not by place: whatever leaves the set meanwhile, none is missed nor met twice.
 */
export async function* walkDeadLetters(
  redis: Redis,
  queue: string,
  filter: Omit<DeadLetterFilter, 'queues'>,
  startedAt: number,
): AsyncGenerator<string[], void> {
  const until = Math.min(filter.to === undefined ? Number.POSITIVE_INFINITY : filter.to - 1, startedAt)
  let from = filter.from ?? 0
  // Of those that died in the millisecond `from`.
  let met = new Set<string>()
  for (;;) {
    const dead = (await readDead(redis, queue, from, until, CHUNK + met.size)).filter(({ id }) => !met.has(id))
    const last = dead.at(-1)
    if (!last) return
    if (last.at > from) met = new Set()
    for (const { id, at } of dead) if (at === last.at) met.add(id)
    from = last.at
    const matching = await keepMatching(
      redis,
      queue,
      dead.map(({ id }) => id),
      filter,
    )
    if (matching.length > 0) yield matching
  }
}

async function readDead(
  redis: Redis,
  queue: string,
  from: number,
  until: number,
  count: number,
): Promise<{ id: string; at: number }[]> {
  const { failed } = bullKeys(queue)
  const flat = await redis.zrangebyscore(failed, from, until, 'WITHSCORES', 'LIMIT', 0, count)
  return Array.from({ length: flat.length / 2 }, (_, i) => ({ id: flat[2 * i] as string, at: Number(flat[2 * i + 1]) }))
}

async function keepMatching(
  redis: Redis,
  queue: string,
  ids: string[],
  { type, label, errorKind, ids: wanted }: Omit<DeadLetterFilter, 'queues'>,
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
