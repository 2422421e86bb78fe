import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js'
import type { JobCounts, JobStatus, QueueJob, QueueMetrics, QueueWorker, Status } from '@bull-board/api/typings/app'
import type { Job } from '@foliot/jobs'
import {
  countPlaces,
  listPlace,
  PLACES,
  type Place,
  pauseQueue,
  type QueueInfo,
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
  #recorded: Promise<Job[]> | undefined

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
    const [counts, recorded] = await Promise.all([countPlaces(this.#visit.redis, this.#name), this.#readRecorded()])
    const completed = counts.completed + recorded.length
    return Object.fromEntries(PLACES.map((place) => [STATUS_OF[place], { ...counts, completed }[place]])) as JobCounts
  }

  async getJobs(statuses: JobStatus[], start = 0, end = -1): Promise<QueueJob[]> {
    const places = statuses.flatMap((status) => PLACE_OF[status] ?? [])
    const jobs = await Promise.all(places.map((place) => this.#list(place, start, end - start + 1)))
    return jobs.flat().map((job) => toBoardJob(job, this.#visit))
  }

  /** What finished stands behind what has not been taken into the history yet. */
  async #list(place: Place, offset: number, count: number): Promise<Job[]> {
    const live = await listPlace(this.#visit.redis, this.#name, place, { offset, count })
    if (place !== 'completed' || live.length === count) return live
    const { completed } = await countPlaces(this.#visit.redis, this.#name)
    const from = Math.max(0, offset - completed)
    const known = new Set(live.map(({ id }) => id))
    const recorded = (await this.#readRecorded()).filter(({ id }) => !known.has(id))
    return [...live, ...recorded.slice(from, from + count - live.length)]
  }

  async getJob(id: string): Promise<QueueJob> {
    return toBoardJob(await this.#visit.read({ queue: this.#name, id }), this.#visit)
  }

  getJobLogs(id: string): Promise<string[]> {
    return this.#visit.readLog({ queue: this.#name, id })
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
    return this.#turn('pause', pauseQueue)
  }

  resume(): Promise<void> {
    return this.#turn('resume', resumeQueue)
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

  #readRecorded(): Promise<Job[]> {
    this.#recorded ??= this.#visit.recorded(this.#name)
    return this.#recorded
  }

  async #turn(action: 'pause' | 'resume', turn: typeof pauseQueue): Promise<void> {
    const { redis, audit } = this.#visit
    const { paused } = await this.#read()
    await this.#visit.act(action, { queue: this.#name }, () => turn(redis, this.#name))
    // All queues may be turned at once.
    audit.before = { ...(audit.before as object), [this.#name]: { paused } }
    audit.after = { ...(audit.after as object), [this.#name]: { paused: action === 'pause' } }
  }

  #read(): Promise<QueueInfo> {
    this.#info ??= readQueue(this.#visit.redis, this.#name)
    return this.#info
  }
}
