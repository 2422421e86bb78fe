import type { Redis } from 'ioredis'
import { tenantOf } from '../enqueue/envelope.ts'
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
  takenOfKey,
  takesKey,
  unkeptDeadKey,
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
/** Of how many jobs one call reads the logs. */
const READ_AT_ONCE = 100

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

type Listed = Pick<FinishedEntry, 'id' | 'place' | 'score'>

/** Entries that are not wanted. */
export interface PassedOver {
  /** How many at most. */
  size: number
  has(entry: Listed): boolean
}

/** The jobs that ended first, up to `count` of each place, without those that are passed over. Two round trips. */
export async function readOutbox(
  redis: Redis,
  queue: string,
  count: number,
  passed: PassedOver = { size: 0, has: () => false },
): Promise<FinishedEntry[]> {
  const last = count + passed.size - 1
  const sets = setsOf(queue).reduce(
    (reads, set) => reads.zrange(set, '0', String(last), 'WITHSCORES'),
    redis.pipeline(),
  )
  const [completed, failed] = await readTogether<[string[], string[]]>(sets)
  const listed = [pairs(completed, 'completed'), pairs(failed, 'failed')].flatMap((entries) =>
    entries.filter((entry) => !passed.has(entry)).slice(0, count),
  )
  if (listed.length === 0) return []
  const parts = Array.from({ length: Math.ceil(listed.length / READ_AT_ONCE) }, (_, i) =>
    listed.slice(i * READ_AT_ONCE, (i + 1) * READ_AT_ONCE),
  )
  return (await Promise.all(parts.map((part) => readEntries(redis, queue, part)))).flat()
}

async function readEntries(redis: Redis, queue: string, listed: readonly Listed[]): Promise<FinishedEntry[]> {
  const reads = redis.pipeline()
  for (const { id } of listed) reads.hgetall(jobKey(queue, id))
  const logKeys = listed.map(({ id }) => logsKey(queue, id))
  const [hashes, logs] = await Promise.all([
    reads.exec(),
    runScript(redis, 'logsOf', logKeys, []) as Promise<string[][]>,
  ])
  return listed.map((entry, i) => {
    const fields = readReply<Record<string, string>>(hashes?.[i]) ?? {}
    const isThere = Object.keys(fields).length > 0
    const stored = isThere ? { queue, id: entry.id, fields, locked: false, delayedScore: null } : undefined
    return { ...entry, stored, log: logs[i] ?? [] }
  })
}

/** What became of entries of an outbox. */
export interface Settled {
  /** The history has them: Redis may forget those that finished. */
  taken: readonly FinishedEntry[]
  /** No history is kept of them, or not now: those that finished stay for a while, dead letters as long as all do. */
  unkept: readonly FinishedEntry[]
}

/** Takes entries out of the outbox. @returns how many of them had not ended anew since they were read */
export async function takeFromOutbox(redis: Redis, queue: string, { taken, unkept }: Settled): Promise<number> {
  const args = [
    ...taken.flatMap(({ id, place, score, stored }) => [id, place, score, tenantOf(stored?.fields.env)]),
    ...unkept.flatMap(({ id, place, score }) => [id, place, score, '']),
  ]
  if (args.length === 0) return 0
  const counters = [takenKey(queue), takesKey(queue), takenOfKey(queue)]
  const keys = [...setsOf(queue), indexKey(queue), unkeptKey(queue), ...counters, unkeptDeadKey(queue)]
  return (await runScript(redis, 'takeFromOutbox', keys, [bullBase(queue), ...args])) as number
}

/**
 * Removes finished jobs that no history keeps and that are past their time, or too many, and forgets dead letters of that kind
 * that have left Redis.
 *
 * @returns how many jobs were removed
 */
export async function dropUnkept(redis: Redis, queue: string): Promise<number> {
  const { age, count } = RETENTION.completed
  const args = [bullBase(queue), Date.now() - age * 1000, count, DROPPED_AT_ONCE]
  const keys = [unkeptKey(queue), indexKey(queue), unkeptDeadKey(queue), bullKeys(queue).failed]
  return (await runScript(redis, 'dropUnkept', keys, args)) as number
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
