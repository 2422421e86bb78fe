/** The job pack of `chaos:schedules`: a handler that only notes that it ran. */
import { openSync, writeSync } from 'node:fs'
import { defineJob, type Handlers, jobPack } from '@foliot/jobs'
import { z } from 'zod'
import { TICK_QUEUE, TICK_TYPE } from './definitions.ts'

const tick = defineJob({
  name: TICK_TYPE,
  description: 'Adds a line to a file: the job, the attempt, the schedule, and when that was due',
  input: z.strictObject({ file: z.string() }),
  queue: TICK_QUEUE,
})

const jobs = [tick] as const
const files = new Map<string, number>()

const handlers: Handlers<typeof jobs> = {
  'chaos.tick'({ file }, { jobId, attempt, labels, scheduledFor }) {
    const descriptor = files.get(file) ?? openSync(file, 'a')
    files.set(file, descriptor)
    writeSync(descriptor, `${jobId} ${attempt} ${labels.schedule} ${scheduledFor.getTime()}\n`)
  },
}

export default jobPack(jobs, handlers)
