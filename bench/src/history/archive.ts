import type { FinishedAttempt, FinishedJob } from '@foliot/history'
import { ERROR_KINDS, type Job, type JobFailure, type TimelineEntry } from '@foliot/jobs'
import { type Random, seededRandom } from '../chaos/random.ts'
import { MAX_ATTEMPTS, type PlannedJob, planJob } from './planned-job.ts'

export interface ArchiveOptions {
  seed: number
  /** The number of its first job. */
  first: number
  jobs: number
  /** The jobs are made evenly between these two times, in ms since 1970. */
  from: number
  to: number
}

/** How long jobs wait for a worker, in milliseconds on average, and before another attempt. */
const WAIT_MS = 40
const RETRY_MS = 1500

/** Jobs as the history gets them once they have ended. Each follows from the options and its number alone. */
export class Archive {
  readonly options: ArchiveOptions

  constructor(options: ArchiveOptions) {
    this.options = options
  }

  /** The job of this number, with an id that tells when it was made. */
  jobAt(number: number): FinishedJob {
    const { seed, first, jobs, from, to } = this.options
    const plan = planJob(seed, number)
    const random = seededRandom(seed, `life ${number}`)
    const createdAt = Math.floor(from + ((number - first + random.next()) / jobs) * (to - from))
    return finish(plan, createdAt, random)
  }

  /** From the oldest to the newest, some at a time, so that no more than those are ever in memory. */
  *batches(size: number): Generator<FinishedJob[]> {
    const { first, jobs } = this.options
    for (let done = 0; done < jobs; done += size) {
      yield Array.from({ length: Math.min(size, jobs - done) }, (_, i) => this.jobAt(first + done + i))
    }
  }

  /** One of its numbers. */
  draw(random: Random): number {
    const { first, jobs } = this.options
    return random.between(first, first + jobs - 1)
  }
}

function finish(plan: PlannedJob, createdAt: number, random: Random): FinishedJob {
  const { input, output, status, worker, durationMs } = plan
  const attempts: FinishedAttempt[] = []
  const timeline: TimelineEntry[] = [{ at: isoOf(createdAt), event: 'created' }]
  let startedAt = createdAt + waitOf(random, WAIT_MS)
  for (let attempt = 1; ; attempt++) {
    timeline.push({ at: isoOf(startedAt), event: 'started', attempt, detail: `by worker ${worker}` })
    const endedAt = startedAt + durationMs
    const isLast = attempt === plan.attempts
    const failure = isLast ? plan.failure : (plan.failure ?? PASSING)
    const outcome = isLast ? status : 'failed'
    attempts.push({
      attempt,
      worker,
      startedAt,
      endedAt,
      outcome,
      ...(failure && { error: { name: failure.name, message: failure.message, kind: failure.kind } }),
    })
    if (outcome === 'failed' && failure) timeline.push(failedEntry(endedAt, attempt, failure))
    if (isLast) {
      timeline.push({ at: isoOf(endedAt), event: status, attempt })
      break
    }
    timeline.push({ at: isoOf(endedAt), event: 'retry_scheduled', attempt, detail: 'attempts are left' })
    startedAt = endedAt + waitOf(random, RETRY_MS)
  }
  const job: Job = {
    id: idOf(createdAt, random),
    type: plan.type,
    version: 1,
    queue: plan.queue,
    status,
    attempt: plan.attempts,
    attemptsUsed: plan.failure ? plan.attempts : plan.attempts - 1,
    maxAttempts: MAX_ATTEMPTS,
    priority: 0,
    progress: null,
    input,
    output,
    error: plan.failure ?? null,
    labels: { ...plan.labels },
    tenant: plan.tenant,
    traceId: hex(random, 32),
    createdAt: isoOf(createdAt),
    startedAt: isoOf(startedAt),
    finishedAt: isoOf(startedAt + durationMs),
    timeline,
  }
  const outputText = status === 'succeeded' ? JSON.stringify(output) : null
  return { job, inputText: JSON.stringify(input), outputText, attempts, log: plan.log }
}

/** Why an attempt failed after which another one succeeded. */
const PASSING: JobFailure = { name: 'ConnectionError', kind: ERROR_KINDS.error, message: 'socket hang up' }

const failedEntry = (endedAt: number, attempt: number, { name, message }: JobFailure): TimelineEntry => ({
  at: isoOf(endedAt),
  event: 'attempt_failed',
  attempt,
  detail: `${name}: ${message}`,
})

const isoOf = (ms: number): string => new Date(ms).toISOString()

const waitOf = (random: Random, averageMs: number): number => Math.ceil(-Math.log(1 - random.next()) * averageMs)

const hex = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => random.between(0, 15).toString(16)).join('')

/** A UUIDv7, as `newJobId` makes them. */
function idOf(ms: number, random: Random): string {
  const time = ms.toString(16).padStart(12, '0')
  const rest = hex(random, 18)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${rest.slice(6)}`
}
