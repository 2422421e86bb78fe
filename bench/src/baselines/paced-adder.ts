/** Bare BullMQ: `queue.add` at given times from one process. */
import { Queue } from 'bullmq'
import { monotonicMs } from '../monotonic.ts'
import { onErrand } from '../on-errand.ts'
import { type Pace, paced } from '../paced.ts'
import { ATTEMPTS } from '../sample.ts'
import { connectForAdding } from './connection.ts'

export interface PacedAdderTask extends Pace {
  redisUrl: string
  queue: string
}

onErrand<PacedAdderTask, object>(async ({ redisUrl, queue: name, ...pace }) => {
  const queue = new Queue(name, { connection: connectForAdding(redisUrl), defaultJobOptions: { attempts: ATTEMPTS } })
  await queue.waitUntilReady()
  await paced(pace, async (measured) => void (await queue.add('bench.stamp', { sentMs: monotonicMs(), measured })))
  return {}
})
