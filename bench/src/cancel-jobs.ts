/** The job pack of `bench cancel`: a handler that waits to be told to stop, and says when it was. */
import { once } from 'node:events'
import { defineJob, type Handlers, jobPack } from '@foliot/jobs'
import { z } from 'zod'
import { monotonicMs } from './monotonic.ts'

const hold = defineJob({
  name: 'bench.hold',
  description: 'Waits until it is told to stop, and writes to its log when that was',
  input: z.null(),
  queue: 'hold',
})

const jobs = [hold] as const
const handlers: Handlers<typeof jobs> = {
  'bench.hold': async (_input, { signal, log }) => {
    if (!signal.aborted) await once(signal, 'abort')
    log.info('stopped', { atMs: monotonicMs() })
  },
}

export default jobPack(jobs, handlers)
