import type { AuditBegin, AuditEnd, AuditTarget, ErrorCode, Job } from '@foliot/jobs'
import type { AuditPlace } from '@foliot/queue'

/** In UTF-8 bytes of JSON: what is larger is cut, and says so. */
const MOST_BYTES = 8 * 1024

/** What is known of a change that is being made. Its handler adds what it learns on the way, and no secrets. */
export class AuditNotes {
  /** Its entry, as it was written. */
  readonly begin: AuditBegin
  readonly place: AuditPlace
  /** What is changed: `id` and `tenant` may become known late. */
  readonly target: AuditTarget
  /** How it was, and how it is now: small things, such as a status. Undefined if there is nothing to say. */
  before: unknown
  after: unknown
  /** Of the problem that it was answered with. */
  code: ErrorCode | null = null

  constructor(begin: AuditBegin, place: AuditPlace) {
    this.begin = begin
    this.place = place
    this.target = { ...begin.target }
  }

  /** How a job is that is about to be moved. */
  jobBefore(job: Job): void {
    this.target.tenant = job.tenant
    this.before = stateOf(job)
  }

  jobAfter(job: Job): void {
    this.after = stateOf(job)
  }

  /** What became of it, as it is known by now. @param status of the HTTP answer */
  outcome(status: number): AuditEnd {
    const { target, before, after, code } = this
    return {
      status,
      code,
      target,
      before: cutToFit(before),
      after: cutToFit(after),
      endedAt: new Date().toISOString(),
    }
  }
}

const stateOf = ({ status, discardedAt, cancelRequestedAt }: Job) => ({
  status,
  ...(discardedAt !== undefined && { discardedAt }),
  ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
})

/** A value as an entry may hold it. */
export function cutToFit(value: unknown): unknown {
  const text = JSON.stringify(value ?? null)
  const bytes = Buffer.byteLength(text)
  return bytes <= MOST_BYTES ? (value ?? null) : { cut: text.slice(0, MOST_BYTES / 4), bytes }
}
