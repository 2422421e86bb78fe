import { readQueueOf, type TenantQueueInfo } from '@foliot/queue'
import type { Redis } from 'ioredis'

/** For how long a count is given again: Redis looks at thousands of jobs for each. */
const KEPT_MS = 500

/** What tenants have in queues. However many ask, each queue is counted for each tenant once in a while. */
export class TenantQueues {
  readonly #redis: Redis
  readonly #counts = new Map<string, { at: number; info: Promise<TenantQueueInfo> }>()

  constructor(redis: Redis) {
    this.#redis = redis
  }

  read(queue: string, tenant: string): Promise<TenantQueueInfo> {
    const now = performance.now()
    for (const [key, { at }] of this.#counts) if (now - at > KEPT_MS) this.#counts.delete(key)
    const key = `${queue} ${tenant}`
    const known = this.#counts.get(key)
    if (known) return known.info
    const info = readQueueOf(this.#redis, queue, tenant)
    this.#counts.set(key, { at: now, info })
    // One that failed is tried again by whoever asks next.
    info.catch(() => this.#counts.delete(key))
    return info
  }
}
