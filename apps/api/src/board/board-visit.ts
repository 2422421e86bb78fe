import { FoliotError, type Job, type JobType, LIMITS } from '@foliot/jobs'
import {
  type JobFilter,
  type JobRef,
  listWorkers,
  type MoveReason,
  type Operation,
  type WorkerInfo,
} from '@foliot/queue'
import type { FastifyRequest } from 'fastify'
import type { Redis } from 'ioredis'
import type { ApiDeps } from '../api.ts'
import type { AuditNotes } from '../audit/audit-notes.ts'
import { ALL_TENANTS } from '../viewer.ts'
import { BOARD_REASON } from './board-audit.ts'
import { redactJob } from './redaction.ts'

/** How many finished jobs of a queue the board shows; the history has all. */
const RECORDED_SHOWN = 200

function passUnavailable(error: unknown): undefined {
  if (!(error instanceof FoliotError) || error.code !== 'unavailable') throw error
}

/** One request to the board: who asks, and what several of its queues need of one reading. */
export class BoardVisit {
  readonly redis: Redis
  readonly reason: MoveReason
  readonly mayOperate: boolean
  readonly #deps: ApiDeps
  readonly #request: FastifyRequest
  #types: ReadonlyMap<string, JobType> | undefined
  #workers: Promise<WorkerInfo[]> | undefined

  constructor(deps: ApiDeps, request: FastifyRequest) {
    const { caller } = request
    this.redis = deps.redis
    this.reason = { by: caller.name, reason: BOARD_REASON }
    this.mayOperate = caller.scopes.has('operate')
    this.#deps = deps
    this.#request = request
  }

  /** Names of every queue there is. */
  get queues(): readonly string[] {
    return this.#deps.catalog.queues
  }

  redact(job: Job): Job {
    this.#types ??= new Map(this.#deps.catalog.types.map((type) => [type.name, type]))
    return redactJob(job, this.#types)
  }

  /** A job wherever it is. @throws FoliotError `not_found`, or `unavailable` if only the history may know it */
  read(ref: JobRef): Promise<Job> {
    return this.#deps.jobs.readIn(ref)
  }

  /** The lines of its log. @throws as `read` */
  async readLog({ id }: JobRef): Promise<string[]> {
    const log = await this.#deps.logs.find(id, ALL_TENANTS)
    return (await log.read(0, LIMITS.logLines)).lines
  }

  /** The newest finished jobs of a queue that the history has taken. None while it cannot be read: it says so in the log. */
  async recorded(queue: string): Promise<Job[]> {
    const filter = { queues: [queue], statuses: ['succeeded', 'cancelled'] as const }
    const found = await this.#deps.history?.search(filter, RECORDED_SHOWN).catch(passUnavailable)
    return found?.jobs ?? []
  }

  workers(): Promise<WorkerInfo[]> {
    this.#workers ??= listWorkers(this.redis)
    return this.#workers
  }

  /** Redrives the dead letters that there are now. Resolves when this process has nothing more to do with it. */
  async redrive(filter: JobFilter): Promise<Operation> {
    const request = { kind: 'redrive', filter, dryRun: false, reason: this.reason } as const
    return (await this.#deps.operations.begin(request)).finished
  }

  /** @throws FoliotError `not_found` */
  assertQueue(name: string): Promise<void> {
    return this.#deps.catalog.assertQueue(name)
  }

  /** Has the audit tell what is changed. Only during a call that may change something. */
  get audit(): AuditNotes {
    return this.#request.audit
  }

  /** Does what somebody asked for on the board, and logs that they did. The audit of it is the route's. */
  async act<T>(action: string, on: { queue: string; jobId?: string }, move: () => Promise<T>): Promise<T> {
    const outcome = await move()
    this.#deps.log.info({ caller: this.reason.by, action, ...on }, `${action} on the board`)
    return outcome
  }
}
