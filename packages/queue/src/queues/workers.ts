import type { Redis } from 'ioredis'
import { workerKey, workersKey } from '../keys.ts'

/** What a worker says of itself with every heartbeat. Times are RFC 3339 in UTC. */
export interface WorkerInfo {
  id: string
  host: string
  pid: number
  startedAt: string
  heartbeatAt: string
  queues: string[]
  /** Most attempts at the same time, per queue. */
  concurrency: number
  /** Ids of the jobs it runs now. */
  running: string[]
  /** Names of the job types it has handlers for. */
  types: string[]
  /** `stopping` takes no new jobs. */
  state: 'running' | 'stopping'
}

export const HEARTBEAT_EVERY_MS = 2000
/** A worker that was silent for so long is gone. */
const GONE_AFTER_MS = 10_000

export async function beat(redis: Redis, worker: WorkerInfo): Promise<void> {
  const now = Date.now()
  await redis
    .multi()
    .set(workerKey(worker.id), JSON.stringify(worker), 'PX', GONE_AFTER_MS)
    .zadd(workersKey, now, worker.id)
    .zremrangebyscore(workersKey, 0, now - GONE_AFTER_MS)
    .exec()
}

export async function signOff(redis: Redis, id: string): Promise<void> {
  await redis.multi().del(workerKey(id)).zrem(workersKey, id).exec()
}

/** The live workers, oldest first. */
export async function listWorkers(redis: Redis): Promise<WorkerInfo[]> {
  const ids = await redis.zrange(workersKey, '0', '-1')
  if (ids.length === 0) return []
  const texts = await Promise.all(ids.map((id) => redis.get(workerKey(id))))
  return texts
    .flatMap((text) => (text ? [JSON.parse(text) as WorkerInfo] : []))
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt))
}
