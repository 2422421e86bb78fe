/** A bare BullMQ worker. Answers when it takes jobs. */
import { Worker } from 'bullmq'
import { monotonicMs } from '../monotonic.ts'
import { onErrand } from '../on-errand.ts'
import { RETENTION } from '../sample.ts'
import { connectForWorking } from './connection.ts'

export interface WorkerTask {
  redisUrl: string
  queue: string
  concurrency: number
  /** What its processor returns: the job's data, or when it was entered (`monotonicMs`). */
  returns: 'data' | 'entered'
}

onErrand<WorkerTask, object>(async ({ redisUrl, queue, concurrency, returns }) => {
  const processor = returns === 'data' ? async ({ data }: { data: unknown }) => data : async () => monotonicMs()
  const worker = new Worker(queue, processor, {
    connection: connectForWorking(redisUrl),
    concurrency,
    removeOnComplete: RETENTION,
  })
  worker.on('error', (error) => console.error(error))
  await worker.waitUntilReady()
  return {}
})
