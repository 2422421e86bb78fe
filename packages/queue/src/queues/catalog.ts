import { FoliotError, type JobType } from '@foliot/jobs'
import { nearestName } from '@foliot/settings'
import type { Redis } from 'ioredis'
import { catalogKey, catalogRevisionKey, catalogSeenKey, depthLimitsKey, queuesKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/** How often a worker repeats its announcement. */
export const ANNOUNCE_EVERY_MS = 10_000
/** After this long without repetition a newer version no longer stands in the way of an older one. */
const GONE_AFTER_MS = 3 * ANNOUNCE_EVERY_MS
/** A type that nobody announced for so long is unknown again, and so is a queue once no job is left in it. */
export const FORGET_AFTER_MS = 7 * 24 * 60 * 60 * 1000

/** Says that a live worker runs these types. Resolves when any api can read it. */
export async function announce(redis: Redis, types: readonly JobType[]): Promise<void> {
  const args = types.flatMap((type) => [type.name, type.version, type.queue, JSON.stringify(type)])
  const keys = [catalogKey, catalogSeenKey, catalogRevisionKey, queuesKey]
  await runScript(redis, 'announce', keys, [GONE_AFTER_MS, FORGET_AFTER_MS, ...args])
}

/** The job types and queues that workers have announced, and the queues' depth limits, kept in step with Redis by `refresh`. */
export class Catalog {
  readonly #redis: Redis
  #types: ReadonlyMap<string, JobType> = new Map()
  #queues: readonly string[] = []
  #depthLimits: ReadonlyMap<string, number> = new Map()
  #revision: string | null = null
  #refreshing: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Sorted by name. */
  get types(): readonly JobType[] {
    return [...this.#types.values()]
  }

  /** A type as of the last refresh. */
  typeOf(name: string): JobType | undefined {
    return this.#types.get(name)
  }

  /** Names of every queue there is, sorted. */
  get queues(): readonly string[] {
    return this.#queues
  }

  /** How many jobs may wait in a queue, as of the last refresh. Undefined for any number. */
  maxDepthOf(queue: string): number | undefined {
    return this.#depthLimits.get(queue)
  }

  /** Reads what changed until now. Calls made during a reading share the one after it. */
  refresh(): Promise<void> {
    if (this.#refreshing) {
      // What was announced a moment ago may be missing from a reading that is under way.
      this.#next ??= this.#refreshing
        .catch(() => undefined)
        .then(() => {
          this.#next = undefined
          return this.refresh()
        })
      return this.#next
    }
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const [revision, queues] = await Promise.all([
      this.#redis.get(catalogRevisionKey),
      this.#redis.zrange(queuesKey, '0', '-1'),
    ])
    this.#queues = queues.sort()
    if (revision === this.#revision && this.#types.size > 0) return
    const [texts, depthLimits] = await Promise.all([
      this.#redis.hgetall(catalogKey),
      this.#redis.hgetall(depthLimitsKey),
    ])
    this.#depthLimits = new Map(Object.entries(depthLimits).map(([queue, limit]) => [queue, Number(limit)]))
    const types = Object.keys(texts)
      .sort()
      .map((name) => [name, JSON.parse(texts[name] as string) as JobType] as const)
    this.#types = new Map(types)
    this.#revision = revision
  }

  /** Looks again in Redis for a type it does not know: a worker may have come since. */
  async find(name: string): Promise<JobType> {
    const known = this.#types.get(name)
    if (known) return known
    await this.refresh()
    const found = this.#types.get(name)
    if (found) return found
    const nearest = nearestName(name, this.#types.keys())
    throw new FoliotError(
      'unknown_job_type',
      `no worker has announced a job type ${JSON.stringify(name.slice(0, 128))}`,
      {
        hint: nearest
          ? `did you mean "${nearest}"?`
          : 'start a worker that runs it, with its module in FOLIOT_JOBS; GET /v1/job-types lists the known ones',
      },
    )
  }

  /** @throws FoliotError `not_found` */
  async assertQueue(name: string): Promise<void> {
    if (this.#queues.includes(name)) return
    await this.refresh()
    if (this.#queues.includes(name)) return
    const nearest = nearestName(name, this.#queues)
    throw new FoliotError('not_found', `there is no queue ${JSON.stringify(name.slice(0, 64))}`, {
      hint: nearest ? `did you mean "${nearest}"?` : 'GET /v1/queues lists them',
    })
  }
}
