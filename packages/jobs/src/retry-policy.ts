import { findWrongOption, integer, isObject, type Option, oneOf } from './find-wrong-option.ts'
import { LIMITS } from './limits.ts'

/** How long to wait before the next attempt. Delays are whole milliseconds, from 0 to ten years. */
export interface Backoff {
  /**
   * The delay after the n-th failure, before jitter. `exponential`: `baseMs * factor^(n-1)`; `linear`:
   * `baseMs + stepMs * (n-1)`; `fixed`: `baseMs`; `list`: the n-th of `delaysMs`. Default `exponential`.
   */
  readonly kind: 'exponential' | 'linear' | 'fixed' | 'list'
  /** The delay after the first failure. Not for `list`. Default 1000. */
  readonly baseMs: number
  /** What an exponential delay is multiplied by at each failure, 1 or more. Default 2. */
  readonly factor: number
  /** What is added to a linear delay at each failure. Default `baseMs`. */
  readonly stepMs?: number
  /** The delays of a `list`, 1 to 1000 of them. The last one repeats. */
  readonly delaysMs?: readonly number[]
  /** No delay is longer. Default 60 000; more for `fixed` and `list` if the longest delay they name is longer. */
  readonly maxMs: number
  /** `full`: anything from 0 to the delay; `equal`: half of it and up; `none`: the delay itself. Default `full`. */
  readonly jitter: 'full' | 'equal' | 'none'
}

/** When a failed attempt is tried again. The decisions are made in `@foliot/retries`; this is only their data. */
export interface RetryPolicy extends Backoff {
  /** How many attempts a job has in all, the first included. 1 to 1000, default 3. */
  readonly attempts: number
  /** What to do with errors that are not like the others. The first rule that matches is the one. At most 100. */
  readonly errors?: readonly RetryRule[]
}

/** Which errors, and what to do with them. It cannot revive an error that says of itself that no retry can mend it. */
export interface RetryRule {
  readonly match: ErrorMatch
  /** `false`: dead at once. `true`: by the policy. A backoff: by that one; `attempts` stays. */
  readonly retry: boolean | Backoff
}

/** Every field that is given has to be equal. `{}` is any error. */
export interface ErrorMatch {
  /** One of `ERROR_KINDS`, or what the handler calls it: `rate_limited`. */
  readonly kind?: string
  /** The name of the error: `TypeError`. */
  readonly name?: string
}

/** A policy as `defineJob` takes it: what is left out has its default. */
export interface RetryOptions extends Partial<Omit<RetryPolicy, 'errors'>> {
  readonly errors?: readonly RetryRuleOptions[]
}

export interface RetryRuleOptions {
  readonly match: ErrorMatch
  /** As in `RetryRule`. What a backoff leaves out is as in the policy. */
  readonly retry: boolean | Partial<Backoff>
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = Object.freeze({
  attempts: 3,
  kind: 'exponential',
  baseMs: 1000,
  factor: 2,
  maxMs: 60_000,
  jitter: 'full',
})

/** The options that shape each kind. Any other of them would do nothing, so it is refused. */
const SHAPES: Record<Backoff['kind'], readonly (keyof Backoff)[]> = {
  exponential: ['baseMs', 'factor'],
  linear: ['baseMs', 'stepMs'],
  fixed: ['baseMs'],
  list: ['delaysMs'],
}
const KINDS = Object.keys(SHAPES) as Backoff['kind'][]

const milliseconds = integer(0, LIMITS.runAheadMs)

const BACKOFF_OPTIONS = {
  kind: oneOf(...KINDS),
  baseMs: milliseconds,
  factor: { expected: 'a number of 1 or more', takes: (value) => Number.isFinite(value) && Number(value) >= 1 },
  stepMs: milliseconds,
  delaysMs: {
    expected: `a list of 1 to ${LIMITS.attempts} delays, each ${milliseconds.expected}`,
    takes: (value) =>
      Array.isArray(value) && value.length >= 1 && value.length <= LIMITS.attempts && value.every(milliseconds.takes),
  },
  maxMs: milliseconds,
  jitter: oneOf('full', 'equal', 'none'),
} satisfies Record<keyof Backoff, Option>

/** Enough for every class of errors that a handler tells apart. All of them are announced with the type. */
const RULES_MAX = 100

const POLICY_OPTIONS = {
  attempts: integer(1, LIMITS.attempts),
  ...BACKOFF_OPTIONS,
  errors: {
    expected: `a list of at most ${RULES_MAX} rules`,
    takes: (value) => Array.isArray(value) && value.length <= RULES_MAX,
  },
} satisfies Record<keyof RetryPolicy, Option>

const RULE_OPTIONS = {
  match: { expected: 'an object with the kind or name of errors', takes: isObject },
  retry: { expected: 'true, false or a backoff', takes: (value) => typeof value === 'boolean' || isObject(value) },
} satisfies Record<keyof RetryRule, Option>

const MATCH_OPTIONS = {
  kind: {
    expected: 'a word like "rate_limited" ([a-z][a-z0-9_]*, at most 64 characters)',
    takes: (value) => typeof value === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(value),
  },
  name: {
    expected: 'the name of an error like "TypeError"',
    takes: (value) => typeof value === 'string' && value !== '',
  },
} satisfies Record<keyof ErrorMatch, Option>

/**
 * Fills a partial policy with the defaults. A policy that it has filled comes out as it is.
 *
 * @throws TypeError naming the job, the option, what was expected and what came.
 */
export function resolveRetryPolicy(job: string, options: RetryOptions = {}): RetryPolicy {
  const problem = findProblem(options)
  if (problem) throw new TypeError(`job "${job}": ${problem}`)
  const { attempts = DEFAULT_RETRY_POLICY.attempts, errors, ...backoff } = options
  const rules = errors?.map(({ match, retry }) =>
    Object.freeze({
      match: Object.freeze({ ...match }),
      retry: typeof retry === 'boolean' ? retry : Object.freeze(fill(inherit(backoff, retry))),
    }),
  )
  return Object.freeze({ attempts, ...fill(backoff), ...(rules && { errors: Object.freeze(rules) }) })
}

function fill(options: Partial<Backoff>): Backoff {
  const { attempts: _, ...defaults } = DEFAULT_RETRY_POLICY
  const { kind, baseMs = 0, delaysMs } = options
  const longestMs = kind === 'fixed' ? baseMs : Math.max(0, ...(delaysMs ?? []))
  return {
    ...defaults,
    maxMs: Math.max(defaults.maxMs, longestMs),
    ...options,
    ...(delaysMs && { delaysMs: Object.freeze([...delaysMs]) }),
  }
}

/** A rule's backoff with what it leaves out, but for what its kind has no use for. */
function inherit(policy: Partial<Backoff>, rule: Partial<Backoff>): Partial<Backoff> {
  const kind = rule.kind ?? policy.kind ?? DEFAULT_RETRY_POLICY.kind
  const useful: readonly string[] = ['maxMs', 'jitter', ...SHAPES[kind]]
  const inherited = Object.entries(policy).filter(([option]) => useful.includes(option))
  return { ...Object.fromEntries(inherited), kind, ...rule }
}

function findProblem(options: RetryOptions): string | undefined {
  const wrong = findWrongOption('retry', options, POLICY_OPTIONS)
  if (wrong) return wrong
  const { attempts: _, errors = [], ...backoff } = options
  const conflict = findConflict('retry', backoff)
  if (conflict) return conflict
  // One after the other: a rule is compared with those before it, which have to be right.
  for (const index of errors.keys()) {
    const problem = findRuleProblem(index, errors, backoff)
    if (problem) return problem
  }
  return undefined
}

function findRuleProblem(
  index: number,
  rules: readonly RetryRuleOptions[],
  policy: Partial<Backoff>,
): string | undefined {
  const path = `retry.errors[${index}]`
  const rule = rules[index] as RetryRuleOptions
  const wrong =
    findWrongOption(path, rule, RULE_OPTIONS, ['match', 'retry']) ??
    findWrongOption(`${path}.match`, rule.match, MATCH_OPTIONS)
  if (wrong) return wrong
  const first = rules.findIndex(({ match }) => covers(match, rule.match))
  if (first < index) return `\`${path}\` never applies: \`retry.errors[${first}]\` matches all that it matches`
  if (typeof rule.retry === 'boolean') return undefined
  return (
    findWrongOption(`${path}.retry`, rule.retry, BACKOFF_OPTIONS) ??
    findConflict(`${path}.retry`, inherit(policy, rule.retry))
  )
}

/** Whether whatever `narrow` matches, `wide` does too. */
const covers = (wide: ErrorMatch, narrow: ErrorMatch): boolean =>
  (wide.kind ?? narrow.kind) === narrow.kind && (wide.name ?? narrow.name) === narrow.name

/** What does not fit together in options that are right each by itself. */
function findConflict(path: string, options: Partial<Backoff>): string | undefined {
  const backoff = fill(options)
  const { kind, delaysMs, maxMs } = backoff
  const stray = (Object.keys(options) as (keyof Backoff)[]).find(
    (option) => !uses(kind, option) && backoff[option] !== DEFAULT_RETRY_POLICY[option],
  )
  if (stray) {
    const takers = KINDS.filter((taker) => uses(taker, stray)).join(', ')
    return `expected no \`${path}.${stray}\` with the kind ${kind} (it is for ${takers}): set \`${path}.kind\`, or leave it out`
  }
  if (kind === 'list' && !delaysMs) return `expected \`${path}.delaysMs\` with the kind list, got none`
  const [first, firstMs] = kind === 'list' ? ['delaysMs[0]', delaysMs?.[0] ?? 0] : ['baseMs', backoff.baseMs]
  if (maxMs >= firstMs) return undefined
  return `expected \`${path}.maxMs\` to be at least \`${path}.${first}\` (${firstMs}), got ${maxMs}`
}

const uses = (kind: Backoff['kind'], option: keyof Backoff): boolean =>
  SHAPES[kind].includes(option) || !Object.values(SHAPES).some((options) => options.includes(option))
