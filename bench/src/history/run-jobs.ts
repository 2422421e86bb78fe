/**
 * Runs planned jobs with the consumers of packages/queue, whose handlers do nothing but end as planned. Answers when it
 * has run so many.
 */
import { Consumer, connectForLoops, defineScripts, type RunningAttempt, type Settlement } from '@foliot/queue'
import { monotonicMs } from '../monotonic.ts'
import { onErrand } from '../on-errand.ts'
import { QUEUES } from './catalogue.ts'
import { type PlannedJob, planJob } from './planned-job.ts'

export interface RunJobsTask {
  redisUrl: string
  seed: number
  /** How many jobs it runs. */
  jobs: number
  /** Jobs of lower numbers are run to warm up. */
  firstMeasured: number
  /** Whether there is a recorder, so that what finished has to wait for it. */
  keepsFinished: boolean
}

export interface RunJobsAnswer {
  /** From the sending of each measured job until its handler was entered, in milliseconds. Empty unless the input tells. */
  startMs: number[]
}

/** What `send-jobs.ts` adds to the input of a job. */
export interface Sent {
  orderId: number
  /** By `monotonicMs`. */
  sentMs?: number
}

const CONCURRENCY = 50
const STOP_WITHIN_MS = 10_000

onErrand<RunJobsTask, RunJobsAnswer>(async ({ redisUrl, seed, jobs, firstMeasured, keepsFinished }) => {
  const redis = defineScripts(connectForLoops(redisUrl))
  const startMs: number[] = []
  const done = Promise.withResolvers<void>()
  let run = 0
  const runOne = async (attempt: RunningAttempt): Promise<Settlement> => {
    const enteredMs = monotonicMs()
    const { orderId, sentMs } = attempt.claim.input as Sent
    if (sentMs !== undefined && orderId >= firstMeasured) startMs.push(enteredMs - sentMs)
    const plan = planJob(seed, orderId)
    for (const line of plan.log) attempt.log(line)
    await attempt.flushLog()
    if (++run === jobs) done.resolve()
    return settlementOf(plan)
  }
  const consumers = QUEUES.map(
    (queue) =>
      new Consumer({
        queue,
        concurrency: CONCURRENCY,
        worker: 'worker-1',
        redis,
        keepsFinished: () => keepsFinished,
        run: runOne,
        onError: (error) => console.error(error),
      }),
  )
  await Promise.all(consumers.map((consumer) => consumer.start()))
  await done.promise
  await Promise.all(consumers.map((consumer) => consumer.stop(STOP_WITHIN_MS)))
  return { startMs }
})

function settlementOf({ status, failure, output }: PlannedJob): Settlement {
  if (status === 'succeeded') return { kind: 'succeeded', output: JSON.stringify(output) }
  if (status === 'cancelled') return { kind: 'cancelled', by: 'a caller', reason: 'the order was taken back' }
  if (!failure) throw new Error(`expected a job that is planned to be ${status} to have a failure, got none`)
  return { kind: 'dead', status, failure, reason: 'it is not worth another attempt' }
}
