/** Stores planned jobs through packages/queue: at given times, or as fast as it goes. Answers when all are stored. */
import { connectForLoops, defineScripts, enqueue, enqueueMany, type NewJob } from '@foliot/queue'
import { monotonicMs } from '../monotonic.ts'
import { onErrand } from '../on-errand.ts'
import { paced } from '../paced.ts'
import { MAX_ATTEMPTS, planJob } from './planned-job.ts'
import type { Sent } from './run-jobs.ts'

export interface SendJobsTask {
  redisUrl: string
  seed: number
  /** The number of the first job. */
  first: number
  jobs: number
  /** The pause before each job, in milliseconds. Default: none. */
  gapsMs?: readonly number[]
}

const AT_ONCE = 500

onErrand<SendJobsTask, object>(async ({ redisUrl, seed, first, jobs, gapsMs }) => {
  const redis = defineScripts(connectForLoops(redisUrl))
  let next = first
  if (gapsMs !== undefined) {
    await paced({ gapsMs, warmUp: 0 }, async () => {
      await enqueue(redis, newJob(seed, next++, monotonicMs()))
    })
    return {}
  }
  const end = first + jobs
  while (next < end) {
    const count = Math.min(AT_ONCE, end - next)
    const results = await enqueueMany(
      redis,
      Array.from({ length: count }, () => newJob(seed, next++)),
    )
    for (const result of results) if (result instanceof Error) throw result
  }
  return {}
})

function newJob(seed: number, number: number, sentMs?: number): NewJob {
  const { type, queue, tenant, labels, input } = planJob(seed, number)
  const sent: Sent = { ...input, ...(sentMs !== undefined && { sentMs }) }
  return {
    type,
    queue,
    version: 1,
    tenant,
    input: sent,
    inputText: JSON.stringify(sent),
    maxAttempts: MAX_ATTEMPTS,
    priority: 0,
    labels: { ...labels },
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    createdAt: Date.now(),
  }
}
