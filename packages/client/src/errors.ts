import type { ErrorCode, Job, Problem } from '@foliot/jobs'
import type { EnqueueResult, JobRequest } from './job-request.ts'

export interface FoliotApiErrorOptions {
  status: number
  problem?: Problem | undefined
  retryAfterMs?: number | undefined
}

/** The api answered, and the answer is an error. */
export class FoliotApiError extends Error {
  override readonly name = 'FoliotApiError'
  /** The HTTP status. */
  readonly status: number
  /** The problem's code; `unreadable_answer` if what came was no answer of Foliot, but of a proxy for example. */
  readonly code: ErrorCode | 'unreadable_answer'
  /** The error as the api sent it (RFC 9457); undefined if the answer was unreadable. */
  readonly problem: Problem | undefined
  /** For how long the api asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { status, problem, retryAfterMs }: FoliotApiErrorOptions) {
    super(message)
    this.status = status
    this.code = problem?.code ?? 'unreadable_answer'
    this.problem = problem
    this.retryAfterMs = retryAfterMs
  }
}

/** No answer came: the connection failed, broke off, or took longer than `timeoutMs`. The api may have done the work. */
export class FoliotConnectionError extends Error {
  override readonly name = 'FoliotConnectionError'
}

/** `wait` ran out of time. The job itself goes on. */
export class ClientTimeoutError extends Error {
  override readonly name = 'ClientTimeoutError'
  /** The job as it was seen last; undefined if the api gave no answer at all. */
  readonly job: Job | undefined

  constructor(message: string, job: Job | undefined) {
    super(message)
    this.job = job
  }
}

/** `enqueueMany` broke off. `cause` is why: a `FoliotApiError`, a `FoliotConnectionError` or the signal's reason. */
export class FoliotBatchError extends Error {
  override readonly name = 'FoliotBatchError'
  /** The answers that came, in order; undefined where none did. */
  readonly results: readonly (EnqueueResult | undefined)[]
  /** The requests without an answer, with the idempotency keys they were sent under: safe to send again as they are. */
  readonly unanswered: readonly JobRequest[]

  constructor(results: readonly (EnqueueResult | undefined)[], unanswered: readonly JobRequest[], cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`${unanswered.length} of ${results.length} jobs have no answer: ${reason}`, { cause })
    this.results = results
    this.unanswered = unanswered
  }
}
