import type { Redis } from 'ioredis'
import type { StoredJob } from '../jobs/job-hash.ts'
import { RETENTION } from '../jobs/retention.ts'
import {
  bullBase,
  bullKeys,
  indexKey,
  jobKey,
  logsKey,
  recorderLeaseKey,
  takenKey,
  takesKey,
  unkeptKey,
  unrecordedKey,
} from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { runScript } from '../redis/scripts.ts'

/**
 * What finished and is not in the history yet: BullMQ's own `completed`, and of `failed` what `unrecordedKey` lists. To enter
 * one of them is the end of a job, in one step with its status, so there is nothing beside them that could get lost.
 */

/** How many jobs one call removes at most. Redis does nothing else meanwhile. */
const DROPPED_AT_ONCE = 500

/** How many jobs wait for the history in one queue, and since when the oldest does (ms since 1970). */
export interface OutboxState {
  queue: string
  waiting: number
  oldestAt: number | undefined
}

/** A job that ended, as it was read. */
export interface FinishedEntry {
  id: string
  place: 'completed' | 'failed'
  /** When it came there, as Redis holds it: who ends anew has another one. */
  score: string
  /** Undefined if there is no such job any more, or its key holds something else. */
  stored: StoredJob | undefined
  /** Lines of its log, oldest first. */
  log: string[]
}

/** The queues whose outbox is not empty. One round trip for all. */
export async function queuesToEmpty(redis: Redis, queues: readonly string[]): Promise<string[]> {
  const reads = redis.pipeline()
  for (const queue of queues) for (const set of setsOf(queue)) reads.zcard(set)
  const counts = await readTogether<number[]>(reads)
  return queues.filter((_, i) => (counts[2 * i] ?? 0) + (counts[2 * i + 1] ?? 0) > 0)
}

/** One round trip for all queues. */
export async function measureOutboxes(redis: Redis, queues: readonly string[]): Promise<OutboxState[]> {
  const reads = redis.pipeline()
  for (const queue of queues) {
    for (const set of setsOf(queue)) reads.zcard(set).zrange(set, '0', '0', 'WITHSCORES')
  }
  const replies = await readTogether<(number | string[])[]>(reads)
  return queues.map((queue, i) => {
    const [completed, oldestDone, dead, oldestDead] = replies.slice(4 * i, 4 * i + 4) as [
      number,
      string[],
      number,
      string[],
    ]
    const starts = [oldestDone[1], oldestDead[1]].flatMap((score) => (score === undefined ? [] : Number(score)))
    return { queue, waiting: completed + dead, oldestAt: starts.length > 0 ? Math.min(...starts) : undefined }
  })
}

/** Takes the right to empty a queue's outbox, or renews it. Whoever lost it without noticing does no harm, only work. */
export async function holdOutbox(redis: Redis, queue: string, owner: string, forMs: number): Promise<boolean> {
  return (await runScript(redis, 'holdLease', [recorderLeaseKey(queue)], [owner, forMs])) === 1
}

/** Gives that right up, so that another one need not wait for its end. */
export async function dropOutbox(redis: Redis, queue: string, owner: string): Promise<void> {
  if ((await redis.get(recorderLeaseKey(queue))) === owner) await redis.del(recorderLeaseKey(queue))
}

/** The jobs that ended first, up to `count` of each place. Two round trips. */
export async function readOutbox(redis: Redis, queue: string, count: number): Promise<FinishedEntry[]> {
  const sets = setsOf(queue).reduce(
    (reads, set) => reads.zrange(set, '0', String(count - 1), 'WITHSCORES'),
    redis.pipeline(),
  )
  const [completed, failed] = await readTogether<[string[], string[]]>(sets)
  const listed = [...pairs(completed, 'completed'), ...pairs(failed, 'failed')]
  if (listed.length === 0) return []
  const reads = redis.pipeline()
  for (const { id } of listed) reads.hgetall(jobKey(queue, id)).lrange(logsKey(queue, id), 0, -1)
  const replies = (await reads.exec()) ?? []
  return listed.map((entry, i) => {
    const [hash, log] = replies.slice(2 * i, 2 * i + 2)
    const fields = readReply<Record<string, string>>(hash) ?? {}
    const isThere = Object.keys(fields).length > 0
    return {
      ...entry,
      stored: isThere ? { queue, id: entry.id, fields, locked: false, delayedScore: null } : undefined,
      log: readReply<string[]>(log) ?? [],
    }
  })
}

/** What became of entries of an outbox. */
export interface Settled {
  /** The history has them: Redis may forget those that finished. */
  taken: readonly FinishedEntry[]
  /** No history is kept of them: those that finished stay for a while. */
  unkept: readonly FinishedEntry[]
}

/** Takes entries out of the outbox. @returns how many of them had not ended anew since they were read */
export async function takeFromOutbox(redis: Redis, queue: string, { taken, unkept }: Settled): Promise<number> {
  const argsOf = (entries: readonly FinishedEntry[], isTaken: string) =>
    entries.flatMap(({ id, place, score }) => [id, place, score, isTaken])
  const args = [...argsOf(taken, '1'), ...argsOf(unkept, '')]
  if (args.length === 0) return 0
  const keys = [...setsOf(queue), indexKey(queue), unkeptKey(queue), takenKey(queue), takesKey(queue)]
  return (await runScript(redis, 'takeFromOutbox', keys, [bullBase(queue), ...args])) as number
}

/** Removes finished jobs that no history keeps and that are past their time, or too many. @returns how many */
export async function dropUnkept(redis: Redis, queue: string): Promise<number> {
  const { age, count } = RETENTION.completed
  const args = [bullBase(queue), Date.now() - age * 1000, count, DROPPED_AT_ONCE]
  return (await runScript(redis, 'dropUnkept', [unkeptKey(queue), indexKey(queue)], args)) as number
}

const setsOf = (queue: string): [string, string] => [bullKeys(queue).completed, unrecordedKey(queue)]

function pairs(flat: string[], place: FinishedEntry['place']) {
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    id: flat[2 * i] as string,
    place,
    score: flat[2 * i + 1] as string,
  }))
}

/** @throws the error of the reply, unless it says that the key holds something else. */
function readReply<T>(reply: [error: Error | null, result: unknown] | undefined): T | undefined {
  const [error, value] = reply ?? [new Error('Redis dropped the connection while finished jobs were read'), undefined]
  if (error?.message.startsWith('WRONGTYPE')) return undefined
  if (error) throw error
  return value as T
}
