/**
 * How a handler ends when it does not throw. The set is closed: a plain return value means `done`, anything thrown is
 * a failure that the retry policy classifies.
 */
export type Outcome<Value = unknown> =
  | { readonly [OUTCOME]: 'done'; readonly value: Value }
  | { readonly [OUTCOME]: 'snooze'; readonly ms: number }
  | { readonly [OUTCOME]: 'cancel'; readonly reason: string }

// A symbol, so that no JSON value that a handler returns can be taken for an outcome.
const OUTCOME: unique symbol = Symbol.for('foliot.outcome')

/** The job succeeded with this output. The same as returning the value itself. */
export function done<Value>(value: Value): Outcome<Value> {
  return { [OUTCOME]: 'done', value }
}

/**
 * Run the job again in `ms` milliseconds. No attempt is used up.
 *
 * @throws RangeError unless `ms` is a finite number of 0 or more.
 */
export function snooze(ms: number): Outcome<never> {
  if (!Number.isFinite(ms) || ms < 0)
    throw new RangeError(`expected snooze(ms) to get 0 or more milliseconds, got ${ms}`)
  return { [OUTCOME]: 'snooze', ms: Math.ceil(ms) }
}

/** The job is no longer wanted: it ends as `cancelled`, without a dead letter. */
export function cancel(reason: string): Outcome<never> {
  return { [OUTCOME]: 'cancel', reason }
}

export const isOutcome = (value: unknown): value is Outcome =>
  typeof value === 'object' && value !== null && OUTCOME in value

export const outcomeKind = (outcome: Outcome): 'done' | 'snooze' | 'cancel' => outcome[OUTCOME]
