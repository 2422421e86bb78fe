/** The kinds that Foliot itself gives to errors. A handler may use others of the form `[a-z][a-z0-9_]*`. */
export const ERROR_KINDS = Object.freeze({
  /** Thrown by the handler. */
  error: 'error',
  /** Thrown by the handler, with the wish not to be retried. */
  unrecoverable: 'unrecoverable',
  /** The attempt took longer than `timeoutMs`. */
  timeout: 'timeout',
  /** The deadline of the job passed. */
  deadline: 'deadline',
  /** The process that ran the attempt died. */
  crashed: 'crashed',
  /** The stored job cannot be read. */
  unreadable: 'unreadable',
  /** The input breaks a rule of its schema that JSON Schema cannot say. */
  invalid_input: 'invalid_input',
  /** The handler returned what its output schema refuses, or what is not JSON. */
  invalid_output: 'invalid_output',
  /** No worker knows the type, or not in this version. */
  unknown_type: 'unknown_type',
})

export interface JobErrorOptions extends ErrorOptions {
  /** Groups errors in lists and filters. Default `error`. */
  kind?: string
  /** `false`: the job is dead now, whatever attempts are left. Default true. */
  retryable?: boolean
  /** The next attempt starts no earlier, in milliseconds from now. For a 429 or 503 with Retry-After. */
  retryAfterMs?: number
}

/** An error that says how it is to be treated. Any other error counts as `error` and is retried by the policy. */
export class JobError extends Error {
  override readonly name: string = 'JobError'
  readonly kind: string
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: JobErrorOptions = {}) {
    super(message, options)
    this.kind = options.kind ?? ERROR_KINDS.error
    this.retryable = options.retryable ?? true
    this.retryAfterMs = options.retryAfterMs
  }
}

/** A failure that no retry can mend: the job becomes a dead letter at once. */
export class UnrecoverableError extends JobError {
  override readonly name = 'UnrecoverableError'

  constructor(message: string, options: Omit<JobErrorOptions, 'retryable' | 'retryAfterMs'> = {}) {
    super(message, { kind: ERROR_KINDS.unrecoverable, ...options, retryable: false })
  }
}
