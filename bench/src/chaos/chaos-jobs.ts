/** The job pack of the chaos suite: handlers whose effects are seen from outside, and one that puts itself off. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineJob, type Handlers, jobPack, snooze as snoozed } from '@foliot/jobs'
import { z } from 'zod'
import { tellSink } from './tell-sink.ts'

const QUEUE = 'chaos'
const ms = z.int().min(0).max(60_000)

const effect = defineJob({
  name: 'chaos.effect',
  description: 'Takes `steps` steps of `stepMs` milliseconds, each with an effect at the sink, and gives their results',
  input: z.strictObject({
    sink: z.url(),
    /** The request that the job was made for. */
    request: z.int(),
    steps: z.int().min(1).max(20),
    stepMs: ms,
  }),
  output: z.strictObject({ results: z.array(z.string()) }),
  queue: QUEUE,
})

const snooze = defineJob({
  name: 'chaos.snooze',
  description: 'Puts itself off by `ms` milliseconds while the attempt is at most `times`',
  input: z.strictObject({ times: z.int().min(0).max(100), ms }),
  output: z.strictObject({ attempt: z.int() }),
  queue: QUEUE,
})

const jobs = [effect, snooze] as const

const handlers: Handlers<typeof jobs> = {
  async 'chaos.effect'({ sink, request, steps, stepMs }, { jobId, attempt, signal, step }) {
    const results: string[] = []
    for (let number = 1; number <= steps; number++) {
      const key = `${jobId}:${number}`
      const result = await step(`step ${number}`, async () => {
        await sleep(stepMs, undefined, { signal })
        await tellSink(`${sink}/effects`, { key, jobId, request, attempt }, signal)
        // Each run of the step has another result, so that two that were accepted can be told apart.
        return `${randomUUID()} of attempt ${attempt}`
      })
      await tellSink(`${sink}/results`, { key, attempt, result }, signal)
      results.push(result)
    }
    return { results }
  },

  'chaos.snooze': ({ times, ms }, { attempt }) => (attempt > times ? { attempt } : snoozed(ms)),
}

export default jobPack(jobs, handlers)
