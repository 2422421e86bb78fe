/** The job pack of `bench latency`: a handler that says when it was entered. */
import { defineJob, type Handlers, jobPack } from '@foliot/jobs'
import { z } from 'zod'
import { monotonicMs } from './monotonic.ts'

const stamp = defineJob({
  name: 'bench.stamp',
  description: 'Gives the time at which its handler was entered',
  input: z.strictObject({ sentMs: z.number(), measured: z.boolean() }),
  output: z.number(),
  queue: 'bench',
})

const jobs = [stamp] as const
const handlers: Handlers<typeof jobs> = { 'bench.stamp': () => monotonicMs() }

export default jobPack(jobs, handlers)
