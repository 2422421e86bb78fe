import { FoliotError } from '@foliot/jobs'
import { Redis } from 'ioredis'
import { gatherWrites } from './gather-writes.ts'

/** Reconnects after 100 ms, doubling to 1 s: BullMQ's own default climbs to 20 s, and work has to resume within 5. */
const reconnect = {
  retryStrategy: (attempt: number): number => Math.min(50 * 2 ** attempt, 1000),
  connectTimeout: 1000,
}

/**
 * A connection for callers who need an answer now: commands fail at once while Redis is away, and when it has said nothing
 * for `silenceMs` (default 800), so that the api can answer 503 within a second. Silence is what counts, not the time a
 * command takes: ten thousand at once wait for each other, and a timer for each costs as much as the command.
 */
export function connectForRequests(url: string, silenceMs = 800): Redis {
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0 }
  return gatherWrites(breakWhenSilent(new Redis(url, { ...reconnect, ...options }), silenceMs))
}

const LOOKS = 16

/**
 * Breaks the connection when commands wait and nothing was read at so many looks in a row. Looks are counted, each after
 * what has come was read: a busy event loop that comes late to its timers would otherwise take answers for missing.
 */
function breakWhenSilent(redis: Redis, silenceMs: number): Redis {
  let heard = 0
  let silent = 0
  const look = (): void => {
    const { stream } = redis
    const bytes = stream?.bytesRead ?? 0
    const waits = redis.commandQueue.length > 0
    silent = waits && bytes === heard ? silent + 1 : 0
    heard = bytes
    if (silent >= LOOKS) stream?.destroy(new Error(`Redis said nothing for ${silenceMs} ms`))
  }
  const timer = setInterval(() => setImmediate(look), silenceMs / LOOKS).unref()
  redis.once('end', () => clearInterval(timer))
  return redis
}

/** A connection for loops that wait for Redis as long as it takes: BullMQ demands it of workers. */
export function connectForLoops(url: string): Redis {
  return gatherWrites(new Redis(url, { ...reconnect, maxRetriesPerRequest: null }))
}

/** Resolves when the connection is up. Rejects after `timeoutMs` with what went wrong last. */
export async function untilReady(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return
  let last: unknown
  const note = (error: Error): void => {
    last = error
  }
  redis.on('error', note)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    const { host, port } = redis.options
    const reason = last instanceof Error ? `: ${last.message}` : ''
    reject(new FoliotError('unavailable', `no answer from Redis at ${host}:${port} within ${timeoutMs} ms${reason}`))
  }, timeoutMs)
  redis.once('ready', resolve)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    redis.off('ready', resolve)
    redis.off('error', note)
  }
}

/** The version that INFO tells of, if it is older than `oldest`. */
export function olderVersion(info: string, oldest: readonly [major: number, minor: number]): string | undefined {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]) ? version : undefined
}

/**
 * Refuses a Redis that would lose jobs or lacks a command that is needed.
 *
 * @throws FoliotError `unavailable` if it may evict keys or is older than 6.2; the hint says how to mend it.
 */
export async function assertSafeRedis(redis: Redis): Promise<void> {
  const info = await redis.info()
  const older = olderVersion(info, [6, 2])
  if (older) {
    throw new FoliotError('unavailable', `expected Redis 6.2 or later, got ${older}`, {
      hint: 'use a newer Redis, or Valkey; infra/redis/redis.conf is for Redis 7 and later',
    })
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    throw new FoliotError('unavailable', `expected Redis with maxmemory-policy noeviction, got ${policy}`, {
      hint: 'a Redis that evicts keys loses jobs without a word: run `redis-cli CONFIG SET maxmemory-policy noeviction`',
    })
  }
}
