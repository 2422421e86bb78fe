import { FoliotError, isTerminal, type Job } from '@foliot/jobs'
import {
  briefsOf,
  type Catalog,
  DEAD_LETTERS_STAY_MS,
  type Enqueued,
  type ErrorGroups,
  GROUP_LIMIT,
  groupErrors,
  type JobBrief,
  type JobFilter,
  type JobRef,
  type JobSearch,
  listJobs,
  locateJob,
  newestFirst,
  noSuchJob,
  type Position,
  readFitting,
  readJob,
  whichAreNewer,
} from '@foliot/queue'
import type { Redis } from 'ioredis'
import type { History } from './history.ts'
import { inQueues } from './in-queues.ts'
import { isVisible, type Viewer } from './viewer.ts'

export interface JobReaderOptions {
  redis: Redis
  catalog: Catalog
  /** Undefined where nothing is recorded. */
  history: History | undefined
}

export interface JobPage {
  /** Newest first. */
  items: Job[]
  /** How far the page goes, if there may be more. */
  next: Position | undefined
}

/** Where a job that is in Redis is, or else the job. */
export type Whereabouts = { ref: JobRef; job?: undefined } | { job: Job; ref?: undefined }

/**
 * Reads jobs wherever they are: in Redis, and once they were taken out of it, in the history. A job is in the history
 * before it leaves Redis, so whoever looks there second misses none.
 */
export class JobReader {
  readonly #redis: Redis
  readonly #catalog: Catalog
  readonly #history: History | undefined

  constructor({ redis, catalog, history }: JobReaderOptions) {
    this.#redis = redis
    this.#catalog = catalog
    this.#history = history
  }

  /**
   * @throws FoliotError `not_found`, also for a job of another tenant than the viewer's, or `unavailable` if it is not in Redis
   * and the history cannot be read
   */
  async read(id: string, viewer: Viewer): Promise<Job> {
    const job = await this.#inRedisOr(
      (queues) => readJob(this.#redis, queues, id),
      () => this.#history?.read(id),
    )
    if (!isVisible(job, viewer)) throw await this.#unseen(id)
    return job
  }

  /**
   * Dead letters that fit, grouped by what went wrong, the largest group first: of the last days those that there are now,
   * and older ones, or all if they are very many, as the history keeps them.
   *
   * @throws FoliotError `unavailable` if the history is needed and cannot be read
   */
  async groupErrors(filter: JobFilter): Promise<ErrorGroups> {
    if (!this.#history) return groupErrors(this.#redis, filter)
    // Those before may have left Redis.
    const since = Date.now() - DEAD_LETTERS_STAY_MS
    const recent = await groupErrors(this.#redis, { ...filter, from: Math.max(since, filter.from ?? 0) })
    if (recent.truncated) return this.#history.groupErrors(inHistory(filter), GROUP_LIMIT)
    if (filter.from !== undefined && filter.from >= since) return recent
    const older = await this.#history.groupErrors(
      inHistory({ ...filter, to: Math.min(since, filter.to ?? since) }),
      GROUP_LIMIT,
    )
    return joinGroups(recent, older)
  }

  /** A job that was enqueued before: whole, if the history has it and can be read now, else as its record tells of it. */
  async recall({ job, fromRecord }: Enqueued): Promise<Job> {
    if (!fromRecord || !this.#history) return job
    try {
      return (await this.#history.read(job.id)) ?? job
    } catch (error) {
      if (error instanceof FoliotError && error.code === 'unavailable') return job
      throw error
    }
  }

  /** As `read`, of a job whose queue is known. */
  readIn({ queue, id }: JobRef): Promise<Job> {
    return this.#or(
      () => readJob(this.#redis, [queue], id),
      () => this.#history?.read(id),
    )
  }

  /** The queue of a job that is in Redis, or else the job as it ended. @throws as `read` */
  async find(id: string, viewer: Viewer): Promise<Whereabouts> {
    const found = await this.#inRedisOr<Whereabouts>(
      async (queues) => ({ ref: await locateJob(this.#redis, queues, id) }),
      async () => {
        const job = await this.#history?.read(id)
        return job && { job }
      },
    )
    if (viewer.tenant === undefined) return found
    const [brief] = found.ref ? await briefsOf(this.#redis, [found.ref]) : [found.job]
    // Taken into the history meanwhile.
    if (!brief) return { job: await this.read(id, viewer) }
    if (!isVisible(brief, viewer)) throw await this.#unseen(id)
    return found
  }

  /** What jobs are, in order; undefined for those of which neither Redis nor the history knows now. */
  async briefs(refs: readonly JobRef[]): Promise<(JobBrief | undefined)[]> {
    const briefs = await briefsOf(this.#redis, refs)
    const gone = refs.filter((_, i) => briefs[i] === undefined).map(({ id }) => id)
    const past = gone.length === 0 ? undefined : await this.#history?.briefs(gone).catch(noneIfUnavailable)
    return refs.map(({ id }, i) => briefs[i] ?? past?.get(id))
  }

  /** One page of all jobs that fit, by when they were made. @throws FoliotError `unavailable` if the history cannot be read */
  async list(search: JobSearch, limit: number, after?: Position): Promise<JobPage> {
    if (!this.#history) return listJobs(this.#redis, search, limit, after)
    const live = await listJobs(this.#redis, search, limit, after, 'not in history')
    // What goes on has not been recorded, or is not as it was.
    if (search.statuses && !search.statuses.some(isTerminal)) return live
    const past = await this.#history.search(toHistory(search), limit, after)
    const known = new Set(live.items.map(({ id }) => id))
    const others = past.jobs.filter(({ id }) => !known.has(id))
    // Of one that is in both places, as a redriven dead letter is, Redis has the newer state.
    const isNewer = await whichAreNewer(this.#redis, others)
    const now = await readFitting(
      this.#redis,
      others.filter((_, i) => isNewer[i]),
      search,
    )
    const items = [...others.filter((_, i) => !isNewer[i]), ...now]
    return joinPages(live, { items, next: past.next }, limit)
  }

  /** What whoever may not see a job is told: the same as if nobody had found it in Redis. */
  async #unseen(id: string): Promise<FoliotError> {
    await this.#history?.briefs([id])
    return noSuchJob(id)
  }

  #inRedisOr<T>(
    look: (queues: readonly string[]) => Promise<T>,
    lookBack: () => Promise<T | undefined> | undefined,
  ): Promise<T> {
    return this.#or(() => inQueues(this.#catalog, look), lookBack)
  }

  async #or<T>(look: () => Promise<T>, lookBack: () => Promise<T | undefined> | undefined): Promise<T> {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof FoliotError) || error.code !== 'not_found') throw error
      const found = await lookBack()
      if (found === undefined) throw error
      return found
    }
  }
}

function noneIfUnavailable(error: unknown): undefined {
  if (!(error instanceof FoliotError) || error.code !== 'unavailable') throw error
}

/** A filter as the history takes it: it knows queues that are no more. It is never asked for certain ids, but for none. */
function toHistory<Filter extends JobFilter>({ ids, label, queue, queues: _, ...rest }: Filter) {
  const queues = ids?.size === 0 ? [] : queue === undefined ? undefined : [queue]
  return { ...rest, ...(queues && { queues }), ...(label && { labels: [label] }) }
}

const inHistory = (filter: JobFilter) => ({ ...toHistory(filter), deadLetters: true })

/** Joins groups of jobs of which none is in both. */
function joinGroups(recent: ErrorGroups, older: ErrorGroups): ErrorGroups {
  const joined = new Map(recent.groups.map((group) => [group.fingerprint, group]))
  for (const old of older.groups) {
    const group = joined.get(old.fingerprint)
    const queues = [...new Set([...(group?.queues ?? []), ...old.queues])].sort()
    joined.set(
      old.fingerprint,
      group ? { ...group, count: group.count + old.count, firstSeenAt: old.firstSeenAt, queues } : old,
    )
  }
  const largest = [...joined.values()].sort((a, b) => b.count - a.count || (a.lastSeenAt < b.lastSeenAt ? 1 : -1))
  return { groups: largest.slice(0, GROUP_LIMIT), truncated: older.truncated || largest.length > GROUP_LIMIT }
}

const positionOf = ({ createdAt, id }: Job): Position => ({ at: Date.parse(createdAt), id })

/** Joins two pages of the same order. What lies behind the end of either is left for the next page. */
function joinPages(a: JobPage, b: JobPage, limit: number): JobPage {
  const ends = [a.next, b.next].filter((end) => end !== undefined)
  const end = ends.sort(newestFirst)[0]
  const within = [...a.items, ...b.items]
    .filter((job) => end === undefined || newestFirst(positionOf(job), end) <= 0)
    .sort((x, y) => newestFirst(positionOf(x), positionOf(y)))
  const items = within.slice(0, limit)
  const last = items.at(-1)
  return { items, next: within.length > limit && last ? positionOf(last) : end }
}
