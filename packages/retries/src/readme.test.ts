import { readFile } from 'node:fs/promises'
import { DEFAULT_RETRY_POLICY, type RetryPolicy, type RetryRule } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { decideRetry, type FailedAttempt } from './decide-retry.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

const error = { name: 'Error', kind: 'error', retryable: true }
const now = Date.UTC(2030, 0, 1)
const plain = { ...DEFAULT_RETRY_POLICY, jitter: 'none' } as const
const errors: RetryRule[] = [
  { match: { kind: 'card_declined' }, retry: false },
  { match: { name: 'TypeError' }, retry: false },
  { match: { kind: 'rate_limited' }, retry: { ...plain, kind: 'fixed', baseMs: 30_000 } },
]

const reasonOf = (attempt: object) =>
  decideRetry({
    policy: { ...DEFAULT_RETRY_POLICY, errors },
    maxAttempts: 8,
    attemptsUsed: 3,
    error,
    random: () => 0.675,
    ...attempt,
  } as FailedAttempt).reason

it.each<Partial<RetryPolicy>>([
  { jitter: 'full' },
  { kind: 'linear', jitter: 'equal' },
  { kind: 'fixed' },
  { kind: 'list', delaysMs: [1000, 60_000] },
  { maxMs: 2000 },
])('the README tells the reason of a delay by %j', (policy) => {
  expect(readme).toContain(`\`${reasonOf({ maxAttempts: 5, policy: { ...plain, ...policy } })}\``)
})

it.each([
  { error: { ...error, kind: 'unrecoverable', retryable: false } },
  { error: { ...error, kind: 'card_declined' } },
  { error: { ...error, name: 'TypeError' } },
  { error: { ...error, kind: 'rate_limited' } },
  { error: { ...error, kind: 'rate_limited', retryAfterMs: 60_000 } },
  { error: { ...error, retryAfterMs: 5 * 3_600_000 } },
  { attemptsUsed: 8 },
  { now, deadline: now + 1200 },
  { now, deadline: now - 5000 },
])('the README tells the reason of what happens after %j', (attempt) => {
  expect(readme).toContain(`: \`${reasonOf(attempt)}\``)
})
