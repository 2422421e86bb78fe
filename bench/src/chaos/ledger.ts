import { isTerminal, type Job, type JobStatus } from '@foliot/jobs'
import type { ChaosRequest } from './requests.ts'

/** A terminal state in which a job was seen, or, after one, any other. */
export interface Sighting {
  status: JobStatus
  attempt: number
  finishedAt?: string
}

/** What is known of an accepted job. */
export interface JobRecord {
  readonly request: ChaosRequest
  readonly id: string
  /** The ends that it was seen to have, in the order of seeing, each once. There should be one. */
  readonly sightings: Sighting[]
  /** As it was when it was last seen. */
  job: Job
  /** Whether the last answer about it was 404. */
  isMissing: boolean
}

/** The suite's own record of every job that it was told is accepted. */
export class Ledger {
  readonly #records = new Map<number, JobRecord>()
  readonly #jobs = new Map<number, Set<string>>()
  #ended = 0

  get records(): readonly JobRecord[] {
    return [...this.#records.values()]
  }

  get accepted(): number {
    return this.#records.size
  }

  /** How many have been seen to end. */
  get ended(): number {
    return this.#ended
  }

  accept(request: ChaosRequest, job: Job): JobRecord {
    const record: JobRecord = { request, id: job.id, sightings: [], job, isMissing: false }
    this.#records.set(request.n, record)
    this.meet(request.n, job.id)
    this.see(record, job)
    return record
  }

  /** Takes note of how a job was when the api was asked for it. */
  see(record: JobRecord, job: Job): void {
    record.isMissing = false
    record.job = job
    const { status, attempt, finishedAt } = job
    const last = record.sightings.at(-1)
    if (last === undefined && !isTerminal(status)) return
    if (last?.status === status && last.attempt === attempt && last.finishedAt === finishedAt) return
    if (last === undefined) this.#ended++
    record.sightings.push({ status, attempt, ...(finishedAt !== undefined && { finishedAt }) })
  }

  /** Takes note that the api knows no such job. Of one that has ended that is to be expected: they are not kept for ever. */
  miss(record: JobRecord): void {
    record.isMissing = true
  }

  /** Takes note of a job that was made for request `n`, whether or not anybody was told that it is accepted. */
  meet(n: number, id: string): void {
    const jobs = this.#jobs.get(n) ?? new Set()
    this.#jobs.set(n, jobs.add(id))
  }

  /** Other jobs that were made for the request of this one. There should be none. */
  twinsOf({ request, id }: JobRecord): string[] {
    return [...(this.#jobs.get(request.n) ?? [])].filter((other) => other !== id)
  }
}
