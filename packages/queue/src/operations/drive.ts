import { setTimeout as sleep } from 'node:timers/promises'
import { FoliotError } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { readDeadLetters } from '../jobs/dead-letters.ts'
import { operationPartKey, operationUnfinishedKey } from '../keys.ts'
import { isRedisTrouble } from '../redis/redis-trouble.ts'
import {
  holdOperation,
  OPERATION_KEPT_AFTER_END_MS,
  OPERATION_LEASE_MS,
  type OperationLease,
  turnOperation,
} from './lease.ts'
import type { Operation, OperationRequest, OperationState } from './operation.ts'
import { Pace } from './pace.ts'
import { advancePart, openPart, type StoredPart, tallyPart } from './part.ts'
import { createOperation, readOperation, readStoredOperation, type StoredOperation, sumOf } from './record.ts'

/** How many dead letters one step looks at and moves; Redis does nothing else meanwhile. */
const CHUNK = 500
/** A slow operation looks at more than it may move: its filter may fit few. */
const CHUNK_MIN = 100

/** Fewer redriven jobs that have ended say too little of the rest. */
export const RATIO_MIN_FINISHED = 20

const HOLD_EVERY_MS = OPERATION_LEASE_MS / 4
const TALLY_EVERY_MS = 250
/** How many looks at redriven jobs are taken at a time, as long as they find some that have ended. */
const TALLIES = 20
/** How long an operation waits for redriven jobs to end before it looks again. */
const WAIT_MS = 100

/** How soon somebody looks again what became of the jobs of an operation that moves no more. */
const WATCH_EVERY_MS = 2000
/** For how long that goes on after it ended or was paused. */
const WATCH_MS = 60 * 60 * 1000

/** The next jobs of a backfill. */
export interface MadeJobs {
  /** Ticks, as they were planned (ms since 1970), in their order: each has its job now, or would have one without the dry run. */
  times: readonly number[]
  /** None is left. */
  done: boolean
  /** How long to wait before it makes sense to go on. */
  waitMs: number
}

/**
 * Makes up to `count` jobs of a backfill, of ticks after `afterMs` if that is given. What it is asked for again it makes once:
 * whoever drove an operation before may have made them, and not said so.
 */
export type JobMaker = (operation: StoredOperation, afterMs: number | undefined, count: number) => Promise<MadeJobs>

/** Drives operations in one process. */
export interface OperationDriver {
  /** Name of the process. */
  owner: string
  /** For backfills. */
  makeJobs?: JobMaker
  /** Aborted: the operation is given back after the step under way. */
  signal?: AbortSignal
}

/**
 * Starts a bulk move of dead letters and drives it in this process. `operation` can be read at once; `finished` resolves
 * with what is known of it when this process has nothing more to do with it, and rejects as `driveOperation` does.
 */
export async function startOperation(
  redis: Redis,
  request: OperationRequest,
  driver: OperationDriver,
): Promise<{ operation: Operation; finished: Promise<Operation> }> {
  const { operation, lease } = await createOperation(redis, request, driver.owner)
  const finished = driveOperation(redis, lease, driver).then(() => readOperation(redis, operation.id))
  return { operation, finished }
}

/**
 * Drives an operation: moves dead letters until none is left, it is paused or stops, somebody else takes it, or the signal
 * is aborted. One that moves no more is looked after: what became of the jobs that it redrove is counted for an hour.
 *
 * @throws what Redis throws when it is away or full. The lease then runs out, and whoever takes it goes on from there.
 */
export async function driveOperation(
  redis: Redis,
  lease: OperationLease,
  { makeJobs, signal }: Pick<OperationDriver, 'makeJobs' | 'signal'> = {},
): Promise<void> {
  const stored = await readStoredOperation(redis, lease.id)
  const parts = await Promise.all(stored.request.filter.queues.map((queue) => openPart(redis, queue, lease)))
  if (parts.includes(undefined)) return
  await new Drive(redis, lease, stored, parts as StoredPart[], makeJobs).run(signal)
}

class Drive {
  readonly #redis: Redis
  readonly #lease: OperationLease
  readonly #stored: StoredOperation
  readonly #request: OperationRequest
  readonly #parts: StoredPart[]
  readonly #makeJobs: JobMaker | undefined
  readonly #pace: Pace
  /** Of the redriven jobs, how many may not have ended, by queue. What was redriven before this drive is unknown. */
  readonly #unfinished = new Map<string, number>()
  #state: OperationState
  #heldAt = performance.now()
  #talliedAt = 0

  constructor(
    redis: Redis,
    lease: OperationLease,
    stored: StoredOperation,
    parts: StoredPart[],
    makeJobs: JobMaker | undefined,
  ) {
    this.#redis = redis
    this.#lease = lease
    this.#stored = stored
    this.#request = stored.request
    this.#parts = parts
    this.#makeJobs = makeJobs
    this.#state = stored.state
    this.#pace = new Pace(stored.request.ratePerSecond, CHUNK)
    if (this.#request.kind === 'redrive') for (const { queue, moved } of parts) this.#unfinished.set(queue, moved)
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    try {
      while (this.#state === 'running') {
        if (signal?.aborted) return void (await holdOperation(this.#redis, this.#lease, 0))
        if (!(await this.#isHeld())) return
        await this.#tally(TALLY_EVERY_MS)
        const waitMs = await this.#step()
        if (waitMs === undefined) return
        if (waitMs > 0) await pause(Math.min(waitMs, HOLD_EVERY_MS), signal)
      }
      await this.#lookAfter()
    } catch (error) {
      const isAway = isRedisTrouble(error) || (error instanceof FoliotError && error.code === 'unavailable')
      if (isAway || this.#state !== 'running') throw error
      await this.#turn('failed', error instanceof Error ? error.message : String(error))
    }
  }

  async #isHeld(): Promise<boolean> {
    if (performance.now() - this.#heldAt < HOLD_EVERY_MS) return true
    this.#heldAt = performance.now()
    return (await holdOperation(this.#redis, this.#lease, OPERATION_LEASE_MS)) !== undefined
  }

  /** Moves what may be moved now. The ms to wait before the next step, or undefined if somebody else drives it by now. */
  async #step(): Promise<number | undefined> {
    const tooBad = this.#describeFailures()
    if (tooBad !== undefined) return this.#turn('stopped', tooBad)
    const i = this.#parts.findIndex(({ done }) => !done)
    const part = this.#parts[i]
    if (!part) return this.#turn('completed')

    const waitMs = this.#pace.waitMs()
    if (waitMs > 0) return waitMs
    if (this.#request.kind === 'backfill') return this.#make(i, part)
    const most = this.#request.dryRun ? CHUNK : Math.min(this.#pace.chunk, this.#caution())
    if (most <= 0) return WAIT_MS
    const after = part.cursor ?? { at: this.#request.filter.from ?? 0, id: '' }
    const read = { after, until: this.#stored.startedAt, count: Math.max(most, CHUNK_MIN), most }
    const found = await readDeadLetters(this.#redis, part.queue, this.#request.filter, read)
    const step = { ids: found?.ids ?? [], reached: found?.reached ?? after, done: found === undefined }
    const next = await advancePart(this.#redis, this.#lease, this.#request, part, step)
    if (!next) return undefined
    const moved = next.moved - part.moved
    this.#parts[i] = next
    this.#pace.took(moved)
    this.#expect(part.queue, moved)
    return 0
  }

  /** Makes what jobs of a backfill may be made now. As `#step`. */
  async #make(i: number, part: StoredPart): Promise<number | undefined> {
    if (!this.#makeJobs) throw new TypeError('expected a driver that makes jobs, for a backfill')
    const count = this.#request.dryRun ? CHUNK : this.#pace.chunk
    const { times, done, waitMs } = await this.#makeJobs(this.#stored, part.cursor?.at, count)
    const last = times.at(-1)
    if (last === undefined && !done) return waitMs
    const reached = last === undefined ? (part.cursor ?? { at: this.#stored.startedAt, id: '' }) : { at: last, id: '' }
    const step = { ids: times.map((time) => new Date(time).toISOString()), reached, done }
    const next = await advancePart(this.#redis, this.#lease, this.#request, part, step)
    if (!next) return undefined
    this.#parts[i] = next
    this.#pace.took(next.moved - part.moved)
    return waitMs
  }

  /**
   * How many more may be redriven before it is known what becomes of them: an operation that is to stop when too many die
   * again must not have moved all of them by then. As many as have ended may be under way, and a few in the beginning.
   */
  #caution(): number {
    if (this.#request.stopOnFailureRatio === undefined) return Number.POSITIVE_INFINITY
    const underWay = [...this.#unfinished.values()].reduce((sum, count) => sum + count, 0)
    return Math.max(sumOf(this.#parts).finished, 2 * RATIO_MIN_FINISHED) - underWay
  }

  /** Undefined if not too many died again. */
  #describeFailures(): string | undefined {
    const { stopOnFailureRatio: ratio } = this.#request
    const { finished, failedAgain } = sumOf(this.#parts)
    if (ratio === undefined || finished < RATIO_MIN_FINISHED || failedAgain <= ratio * finished) return undefined
    return `${failedAgain} of ${finished} redriven jobs that have ended died again, a share above ${ratio}`
  }

  async #turn(to: OperationState, error?: string): Promise<0 | undefined> {
    const turned = await turnOperation(this.#redis, this.#lease, to, error)
    if (turned?.state !== to) return undefined
    this.#state = to
    this.#stored.turnedAt = Date.now()
    const { id } = this.#lease
    const keys = this.#parts.flatMap(({ queue }) => [operationPartKey(queue, id), operationUnfinishedKey(queue, id)])
    await Promise.all(keys.map((key) => this.#redis.pexpire(key, OPERATION_KEPT_AFTER_END_MS)))
    return 0
  }

  #expect(queue: string, moved: number): void {
    if (this.#request.kind === 'redrive') this.#unfinished.set(queue, (this.#unfinished.get(queue) ?? 0) + moved)
  }

  /** Counts which redriven jobs have ended since it was last done, at most every so many ms. */
  async #tally(everyMs: number): Promise<void> {
    if (performance.now() - this.#talliedAt < everyMs) return
    for (const [i, part] of this.#parts.entries()) await this.#tallyPart(i, part)
    this.#talliedAt = performance.now()
  }

  async #tallyPart(i: number, part: StoredPart): Promise<void> {
    const { queue } = part
    const sum = { ...part }
    for (let round = 0; round < TALLIES && this.#unfinished.get(queue) !== 0; round++) {
      const { ended, failedAgain, left } = await tallyPart(this.#redis, this.#lease.id, queue)
      sum.finished += ended
      sum.failedAgain += failedAgain
      this.#unfinished.set(queue, left)
      if (ended === 0) break
    }
    this.#parts[i] = sum
  }

  /** Counts what became of the redriven jobs, and has somebody do so again if that is not all. */
  async #lookAfter(): Promise<void> {
    await this.#tally(0)
    const isOver = Date.now() - this.#stored.turnedAt > WATCH_MS
    const isDone = [...this.#unfinished.values()].every((left) => left === 0)
    await holdOperation(this.#redis, this.#lease, isOver || isDone ? null : WATCH_EVERY_MS)
  }
}

/** Resolves after so many ms, or when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  sleep(ms, undefined, signal && { signal }).catch(() => undefined)
