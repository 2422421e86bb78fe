import { earlierLinesOf, FoliotError, type JobStatus } from '@foliot/jobs'
import { type JobRef, type LogPart, readLogAfter } from '@foliot/queue'
import type { Redis } from 'ioredis'
import type { History } from './history.ts'
import type { JobReader } from './job-reader.ts'
import type { Viewer } from './viewer.ts'

/** The log of one job, wherever the job is. */
export interface JobLog {
  /**
   * The lines behind number `after`, oldest first: up to `most` of them, or what the history keeps.
   *
   * @throws FoliotError `not_found` if the job is gone, `unavailable` if the history cannot be read
   */
  read(after: number, most: number): Promise<LogPart>
  /** The job's status now. @throws as `read` */
  status(): Promise<JobStatus>
}

export interface JobLogsOptions {
  redis: Redis
  jobs: JobReader
  /** Undefined where nothing is recorded. */
  history: History | undefined
}

/** Reads logs line by line. A line has the same number in Redis and in the history. */
export class JobLogs {
  readonly #redis: Redis
  readonly #jobs: JobReader
  readonly #history: History | undefined

  constructor({ redis, jobs, history }: JobLogsOptions) {
    this.#redis = redis
    this.#jobs = jobs
    this.#history = history
  }

  /** @throws FoliotError `not_found`, or `unavailable` if it is not in Redis and the history cannot be read */
  async find(id: string, viewer: Viewer): Promise<JobLog> {
    const { ref } = await this.#jobs.find(id, viewer)
    return {
      read: (after, most) => this.#read(id, ref, after, most),
      status: async () => (ref ? await this.#jobs.readIn(ref) : await this.#jobs.read(id, viewer)).status,
    }
  }

  async #read(id: string, ref: JobRef | undefined, after: number, most: number): Promise<LogPart> {
    const live = ref && (await readLogAfter(this.#redis, ref, after, most))
    if (live) return live
    // A job is in the history before it leaves Redis.
    const past = await this.#history?.readLog(id)
    if (past) return partOf(past, after)
    throw new FoliotError('not_found', `there is no job ${id} any more`, {
      hint: 'without a history, finished jobs are kept for an hour and dead letters for a week',
    })
  }
}

/** Of the lines that the history keeps, those behind number `after`. */
function partOf(past: readonly string[], after: number): LogPart {
  const gone = earlierLinesOf(past[0])
  const kept = gone > 0 ? past.slice(1) : past
  const from = Math.max(after, gone)
  return { after: from, lines: kept.slice(from - gone), last: gone + kept.length, ended: true }
}
