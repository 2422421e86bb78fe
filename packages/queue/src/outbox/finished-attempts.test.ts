import { describe, expect, it } from 'vitest'
import type { StoredJob } from '../jobs/job-hash.ts'
import { finishedAttempts } from './finished-attempts.ts'

const stored = (fields: Record<string, string>): StoredJob => ({
  queue: 'q',
  id: 'id',
  fields: { timestamp: '10', ...fields },
  locked: false,
  delayedScore: null,
})

const record = (n: number, outcome: string): string =>
  JSON.stringify({ n, worker: `w${n}`, start: n * 100, end: n * 100 + 50, outcome, reason: 'r', nextAt: 1 })

describe('finishedAttempts', () => {
  it('tells of a job that succeeded at once', () => {
    const fields = { ats: '1', pb: 'w1', processedOn: '100', finishedOn: '150', st: 'succeeded', returnvalue: '1' }
    expect(finishedAttempts(stored(fields))).toEqual([
      { attempt: 1, worker: 'w1', startedAt: 100, endedAt: 150, outcome: 'succeeded' },
    ])
  })

  it('tells of all of them in their order, however they are kept', () => {
    const fields = {
      a2: record(2, 'lost'),
      a1: record(1, 'failed'),
      ...{ ats: '3', pb: 'w3', processedOn: '300', finishedOn: '350', st: 'succeeded', returnvalue: '1' },
    }
    expect(finishedAttempts(stored(fields))).toEqual([
      { attempt: 1, worker: 'w1', startedAt: 100, endedAt: 150, outcome: 'failed', reason: 'r' },
      { attempt: 2, worker: 'w2', startedAt: 200, endedAt: 250, outcome: 'lost', reason: 'r' },
      { attempt: 3, worker: 'w3', startedAt: 300, endedAt: 350, outcome: 'succeeded' },
    ])
  })

  it('tells the last one once if it has a record', () => {
    const fields = { a1: record(1, 'failed'), ats: '1', processedOn: '100', finishedOn: '150', st: 'failed' }
    expect(finishedAttempts(stored(fields)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[1, 'failed']])
  })

  it('tells of none of a job that was cancelled before it ran', () => {
    expect(finishedAttempts(stored({ st: 'cancelled', finishedOn: '20', returnvalue: '{}' }))).toEqual([])
  })

  it('passes over a record that was broken by hand', () => {
    expect(finishedAttempts(stored({ a1: '{', ats: '1', st: 'failed', finishedOn: '20' }))).toEqual([])
  })
})
