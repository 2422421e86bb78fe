import type { RedisServer } from '@foliot/local-services'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Running } from './process.ts'
import { countProcessorTime } from './processor-time.ts'
import { assertCounts, untilIdle } from './queue-counts.ts'
import type { Round } from './round.ts'
import { RETENTION } from './sample.ts'

export interface Drain {
  server: RedisServer
  /** Opens the queue to look on. */
  openQueue: (redis: Redis) => Queue
  /** How many jobs wait in it. */
  jobs: number
  /** Starts the one worker. */
  startWorker: () => Promise<Running>
}

/**
 * Times the draining of a queue, from the first claim to the last finish. Both are entries of the events stream that
 * BullMQ's scripts write, and an entry's id is the time of Redis: nothing is asked of the worker, and Redis is asked
 * little.
 */
export async function timeDrain(round: Round, { server, openQueue, jobs, startWorker }: Drain) {
  const redis = round.connect(server)
  const queue = openQueue(redis)
  await assertCounts(queue, { waiting: jobs })
  const events = queue.toKey('events')
  const [newest] = await redis.xrevrange(events, '+', '-', 'COUNT', 1)
  const firstClaim = round.connect(server).xread('COUNT', 1, 'BLOCK', 0, 'STREAMS', events, newest?.[0] ?? '0')
  // A round that is broken off closes the connection, and waits for nothing.
  firstClaim.catch(() => undefined)

  const worker = await startWorker()
  const used = await countProcessorTime(worker.pid, redis)
  const first = (await firstClaim)?.[0]?.[1][0]
  await untilIdle(queue, round.signal)
  const { nodeUs, redisUs } = await used()
  // The last finish may be followed by `drained` and the like.
  const latest = await redis.xrevrange(events, '+', '-', 'COUNT', 100)
  const last = latest.find(([, fields]) => fields.includes('completed'))
  await assertCounts(queue, { completed: Math.min(jobs, RETENTION.count) })
  return {
    jobsPerSecond: (1000 * jobs) / (msOf(last?.[0]) - msOf(first?.[0])),
    nodeUsPerJob: nodeUs / jobs,
    redisUsPerJob: redisUs / jobs,
  }
}

/** The time in a stream entry's id, in milliseconds. */
function msOf(id: string | undefined): number {
  if (id === undefined) throw new Error('expected the events stream to tell of claims and finishes, got nothing')
  return Number(id.split('-')[0])
}
