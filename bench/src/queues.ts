import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** The queue of the baselines, under BullMQ's own prefix. */
export const BARE_QUEUE = 'bench'

/** Opened to look on: it writes nothing. */
export const openBareQueue = (redis: Redis): Queue =>
  new Queue(BARE_QUEUE, { connection: redis, skipMetasUpdate: true })

/** A queue of Foliot, of which BullMQ's part is public: prefix `foliot`, the name as hash tag. Opened to look on. */
export const openFoliotQueue = (redis: Redis, name: string): Queue =>
  new Queue(`{${name}}`, { connection: redis, prefix: 'foliot', skipMetasUpdate: true })
