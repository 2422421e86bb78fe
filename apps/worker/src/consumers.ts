import type { Service } from '@foliot/lifecycle'
import { CancelWatch, Consumer, denialOf, isRedisTrouble, RecordingWatch, type RunningAttempt } from '@foliot/queue'
import { type JobMetrics, type Logger, withJobSpan } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import { type PipelineDeps, runAttempt } from './pipeline.ts'
import { report } from './report.ts'

export interface ConsumersOptions {
  /** Names of the queues to serve. */
  queues: readonly string[]
  /** Attempts at the same time, per queue. */
  concurrency: number
  /** Name of this worker in timelines. */
  worker: string
  /** A connection for loops. */
  redis: Redis
  /** From the order to stop until every job has ended or is handed back, in milliseconds. */
  graceMs: number
  pipeline: PipelineDeps
  metrics: JobMetrics
  log: Logger
}

/** What a handler has to end by itself after its grace, and the hand-back itself. */
const HAND_BACK_MS = 2000

/** Serves several queues: a consumer for each, all with the same pipeline. */
export class Consumers implements Service {
  readonly name = 'consumers'
  readonly #consumers: Consumer[]
  readonly #cancels: CancelWatch
  readonly #recording: RecordingWatch
  readonly #graceMs: number

  constructor(options: ConsumersOptions) {
    this.#graceMs = Math.max(0, options.graceMs - HAND_BACK_MS)
    this.#recording = new RecordingWatch(options.redis)
    const keepsFinished = (): boolean => this.#recording.on
    this.#consumers = options.queues.map((queue) => createConsumer(queue, keepsFinished, options))
    this.#cancels = new CancelWatch({
      redis: options.redis,
      onRequest: ({ id, request }) => {
        for (const consumer of this.#consumers) consumer.cancel(id, request)
      },
      onError: (err) => {
        if (!isRedisTrouble(err) && !denialOf(err, options.redis))
          options.log.error({ err }, `trouble with requests to cancel: ${err.message}`)
      },
    })
  }

  /** Ids of the jobs that run now. */
  get running(): string[] {
    return this.#consumers.flatMap((consumer) => consumer.running)
  }

  async start(): Promise<void> {
    await Promise.all([this.#cancels.start(), this.#recording.start()])
    await Promise.all(this.#consumers.map((consumer) => consumer.start()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop(this.#graceMs)))
    this.#cancels.stop()
    this.#recording.stop()
  }
}

function createConsumer(queue: string, keepsFinished: () => boolean, options: ConsumersOptions): Consumer {
  const { concurrency, worker, redis, pipeline, metrics } = options
  const log = options.log.child({ queue })
  return new Consumer({
    queue,
    concurrency,
    worker,
    redis,
    keepsFinished,
    stopGraceMs: pipeline.stopGraceMs,
    run: (attempt) => runReported(attempt, pipeline, metrics, log),
    onError: (err) => {
      // That Redis is away, refuses writes or lets nobody in concerns all queues: `RedisConnection` says so, once.
      if (isRedisTrouble(err) || denialOf(err, redis)) return
      log.error({ err }, `trouble with queue ${queue}: ${err.message}`)
    },
    onLost: ({ id, type, attempt }, isGone) => {
      const message = isGone
        ? 'the job has left Redis before it was confirmed that it ended: whether its result was taken cannot be told here'
        : 'lost the job while it ran: its result was refused'
      log.warn({ jobId: id, jobType: type, attempt }, message)
    },
    onRecovered: (back, dead) => {
      for (const jobId of back) log.warn({ jobId }, 'the worker of this job stopped answering; the job is queued again')
      for (const jobId of dead)
        log.error({ jobId }, 'the worker of this job stopped answering; the job is a dead letter')
    },
    onStuck: (waiting) => log.error({ waiting }, 'idle on a queue with work: starting its loop anew'),
  })
}

async function runReported(attempt: RunningAttempt, pipeline: PipelineDeps, metrics: JobMetrics, log: Logger) {
  const { claim } = attempt
  const waitedMs = Math.max(0, claim.startedAt - claim.scheduledFor)
  const span = { jobId: claim.id, type: claim.type, queue: claim.queue, attempt: claim.attempt, waitedMs }
  return withJobSpan(claim.envelope.traceparent, span, async () => {
    if (claim.attempt === 1) metrics.waited(claim.queue, claim.type, waitedMs / 1000)
    const settlement = await runAttempt(attempt, pipeline)
    // The consumer tells of it, and the attempt that has the job now is the one that counts.
    if (attempt.stopReason === 'lost') return settlement
    report(claim, settlement, metrics, log)
    return settlement
  })
}
