/**
 * Every code that a caller of Foliot can meet, with its HTTP status and title. docs/errors.md lists the same; a test
 * keeps the two equal.
 */
export const ERRORS = {
  validation_failed: { status: 400, title: 'The request is not valid' },
  durability_unavailable: { status: 400, title: 'This Redis cannot give the durability asked for' },
  unauthorized: { status: 401, title: 'A valid key is needed' },
  forbidden: { status: 403, title: 'The key may not do this' },
  not_found: { status: 404, title: 'There is no such thing' },
  unknown_job_type: { status: 404, title: 'No worker has announced this job type' },
  method_not_allowed: { status: 405, title: 'The path does not take this method' },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  illegal_transition: { status: 409, title: 'It cannot make this move from where it is' },
  precondition_failed: { status: 412, title: 'It was changed in the meantime' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The body has to be JSON' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used with another request' },
  rate_limited: { status: 429, title: 'Too many requests' },
  backpressure: { status: 429, title: 'The queue is full' },
  internal: { status: 500, title: 'Foliot made a mistake' },
  unavailable: { status: 503, title: 'Foliot cannot do this right now' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

/** One place in a request that is wrong. `path` is a JSON Pointer into it. */
export interface FieldError {
  path: string
  message: string
}

export interface FoliotErrorOptions extends ErrorOptions {
  /** What the caller can do about it. */
  hint?: string
  errors?: FieldError[]
  retryAfterSeconds?: number
}

/** The one error class that crosses package borders. `message` says what was expected and what came. */
export class FoliotError extends Error {
  override readonly name = 'FoliotError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly errors: readonly FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, options: FoliotErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint
    this.errors = options.errors
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** An error as it goes over the wire (RFC 9457, `application/problem+json`). */
export interface Problem {
  type: string
  title: string
  status: number
  code: ErrorCode
  detail: string
  hint?: string
  errors?: FieldError[]
}
