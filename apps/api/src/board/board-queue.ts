import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js'
import type { JobCounts, JobStatus, QueueJob, QueueMetrics, QueueWorker, Status } from '@bull-board/api/typings/app'
import {
  countPlaces,
  listPlace,
  PLACES,
  type Place,
  pauseQueue,
  type QueueInfo,
  readJob,
  readLog,
  readQueue,
  resumeQueue,
} from '@foliot/queue'
import { toBoardJob } from './board-job.ts'
import type { BoardVisit } from './board-visit.ts'
import { refuse } from './refusal.ts'

const STATUS_OF: Record<Place, JobStatus> = {
  wait: 'waiting',
  prioritized: 'prioritized',
  active: 'active',
  delayed: 'delayed',
  completed: 'completed',
  failed: 'failed',
}

const PLACE_OF = Object.fromEntries(PLACES.map((place) => [STATUS_OF[place], place])) as Partial<Record<Status, Place>>

/** In the order of the board's tabs. */
const SHOWN: JobStatus[] = ['active', 'waiting', 'prioritized', 'completed', 'failed', 'delayed']

/**
 * A queue as the board sees it during one request. It reads by our own functions and moves jobs by our own scripts: no
 * Queue of BullMQ is in the board's hands, with which it could remove jobs or change settings.
 */
export class BoardQueue extends BaseAdapter {
  readonly #name: string
  readonly #visit: BoardVisit
  #info: Promise<QueueInfo> | undefined

  constructor(name: string, visit: BoardVisit) {
    super('bullmq', { readOnlyMode: !visit.mayOperate, allowCompletedRetries: false })
    this.#name = name
    this.#visit = visit
  }

  getName(): string {
    return this.#name
  }

  getStatuses(): Status[] {
    return ['latest', ...SHOWN]
  }

  getJobStatuses(): JobStatus[] {
    return SHOWN
  }

  async getJobCounts(): Promise<JobCounts> {
    const counts = await countPlaces(this.#visit.redis, this.#name)
    return Object.fromEntries(PLACES.map((place) => [STATUS_OF[place], counts[place]])) as JobCounts
  }

  async getJobs(statuses: JobStatus[], start = 0, end = -1): Promise<QueueJob[]> {
    const range = { offset: start, count: end - start + 1 }
    const places = statuses.flatMap((status) => PLACE_OF[status] ?? [])
    const jobs = await Promise.all(places.map((place) => listPlace(this.#visit.redis, this.#name, place, range)))
    return jobs.flat().map((job) => toBoardJob(job, this.#visit))
  }

  async getJob(id: string): Promise<QueueJob> {
    return toBoardJob(await readJob(this.#visit.redis, [this.#name], id), this.#visit)
  }

  getJobLogs(id: string): Promise<string[]> {
    return readLog(this.#visit.redis, { queue: this.#name, id })
  }

  async isPaused(): Promise<boolean> {
    return (await this.#read()).paused
  }

  async getGlobalConcurrency(): Promise<number | null> {
    return (await this.#read()).limits.concurrency
  }

  /** By their heartbeats: BullMQ would ask Redis for all its clients. */
  override async getWorkers(): Promise<QueueWorker[]> {
    const workers = await this.#visit.workers()
    return workers
      .filter(({ queues }) => queues.includes(this.#name))
      .map(({ id, host, pid, startedAt }) => ({
        id,
        name: id,
        addr: `${host}, process ${pid}`,
        age: Math.max(0, Math.round((Date.now() - Date.parse(startedAt)) / 1000)),
      }))
  }

  getRedisInfo(): Promise<string> {
    return this.#visit.redis.info()
  }

  pause(): Promise<void> {
    return this.#visit.act('pause', { queue: this.#name }, () => pauseQueue(this.#visit.redis, this.#name))
  }

  resume(): Promise<void> {
    return this.#visit.act('resume', { queue: this.#name }, () => resumeQueue(this.#visit.redis, this.#name))
  }

  // BullMQ's own counters and schedulers are not used here.

  async getMetrics(): Promise<QueueMetrics> {
    return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 }
  }

  async getJobSchedulers(): Promise<[]> {
    return []
  }

  async getJobSchedulersCount(): Promise<number> {
    return 0
  }

  // No route leads here (see `board-adapter.ts`); should one ever do, it is refused all the same.

  async clean(): Promise<never> {
    return refuse('remove jobs')
  }

  async addJob(): Promise<never> {
    return refuse('add jobs')
  }

  async empty(): Promise<never> {
    return refuse('empty a queue')
  }

  async obliterate(): Promise<never> {
    return refuse('remove a queue')
  }

  async promoteAll(): Promise<never> {
    return refuse('promote all jobs of a queue')
  }

  async setGlobalConcurrency(): Promise<never> {
    return refuse('change the limits of a queue')
  }

  async removeJobScheduler(): Promise<never> {
    return refuse('remove a schedule')
  }

  async updateJobScheduler(): Promise<never> {
    return refuse('change a schedule')
  }

  async runJobSchedulerNow(): Promise<never> {
    return refuse('run a schedule')
  }

  #read(): Promise<QueueInfo> {
    this.#info ??= readQueue(this.#visit.redis, this.#name)
    return this.#info
  }
}
