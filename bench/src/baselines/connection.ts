import { Redis } from 'ioredis'

/** For callers: a command is tried twice, then fails. */
export const connectForAdding = (url: string): Redis => new Redis(url, { maxRetriesPerRequest: 1 })

/** For workers, which wait for Redis as long as it takes: BullMQ demands it. */
export const connectForWorking = (url: string): Redis => new Redis(url, { maxRetriesPerRequest: null })
