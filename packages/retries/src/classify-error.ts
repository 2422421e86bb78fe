import { ERROR_KINDS, LIMITS, truncate } from '@foliot/jobs'
import { readProperty } from './read-property.ts'
import { messageOf, nameOf, stackOf } from './thrown.ts'

/** What is kept of anything that was thrown. Texts are cut to the limits of `@foliot/jobs` and then say so. */
export interface ClassifiedError {
  readonly name: string
  readonly message: string
  /** One of `ERROR_KINDS`, or what the handler called it. */
  readonly kind: string
  /** With the stacks of its causes. Missing if what was thrown has none. */
  readonly stack?: string
  /** `false`: no further attempt, whatever is left. */
  readonly retryable: boolean
  /** The next attempt starts no earlier, in milliseconds from now. */
  readonly retryAfterMs?: number
}

const KIND_MAX_LENGTH = 64

/** A name is a class's. Longer ones are mistakes, and would fill every list. */
const NAME_MAX_BYTES = 256

/**
 * Turns anything thrown into data: an error, a string, nothing at all, a proxy that throws at every touch. Never throws.
 *
 * A `JobError` is known by its shape (`kind` and `retryable`) and an `UnrecoverableError` by its name, because a job
 * pack may bring its own copy of their package. `retryAfterMs` is read from any error: HTTP clients give it to theirs.
 */
export function classifyError(thrown: unknown): ClassifiedError {
  const name = nameOf(thrown)
  const stack = stackOf(thrown)
  return {
    name: truncate(name, NAME_MAX_BYTES),
    message: truncate(messageOf(thrown), LIMITS.errorMessageBytes),
    ...treatmentOf(thrown, name),
    ...(stack !== undefined && { stack: truncate(stack, LIMITS.errorStackBytes) }),
  }
}

/** How the error wishes to be treated. One that does not say is retried by the policy. */
function treatmentOf(thrown: unknown, name: string): Pick<ClassifiedError, 'kind' | 'retryable' | 'retryAfterMs'> {
  const kind = readProperty(thrown, 'kind')
  const retryable = readProperty(thrown, 'retryable')
  const retryAfterMs = readProperty(thrown, 'retryAfterMs')
  const unrecoverable = name === 'UnrecoverableError'
  const wait = isDelay(retryAfterMs) ? { retryAfterMs } : {}
  if (typeof kind !== 'string' || typeof retryable !== 'boolean') {
    return { kind: unrecoverable ? ERROR_KINDS.unrecoverable : ERROR_KINDS.error, retryable: !unrecoverable, ...wait }
  }
  return { kind: toKind(kind), retryable: retryable && !unrecoverable, ...wait }
}

const isDelay = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0

/** A kind is a word for filters and labels: `Rate limit` becomes `rate_limit`, and what has no word in it `error`. */
function toKind(text: string): string {
  const word = text
    .slice(0, KIND_MAX_LENGTH)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
  return /^[a-z]/.test(word) ? word : ERROR_KINDS.error
}
