import { describe, expect, it } from 'vitest'
import { toJob } from './job-hash.ts'
import { type Candidate, type JobSearch, matchesSearch } from './job-search.ts'

/** A job that failed on its second attempt, after 250 ms. */
function failed(more: Record<string, string> = {}, log: string[] = []): Candidate {
  const error = { name: 'HttpError', message: 'Gateway timed out', kind: 'http' }
  const record = (n: number, worker: string) =>
    JSON.stringify({ n, worker, start: n * 1000, end: n * 1000 + 250, outcome: 'failed', reason: 'lost', error })
  const fields = {
    name: 'test.echo',
    timestamp: '500',
    data: '{"order":{"id":42,"long":12345678901234567890,"code":"42","paid":true,"note":null,"lines":[{"sku":"x"}]}}',
    ats: '2',
    a1: record(1, 'w1'),
    a2: record(2, 'w2'),
    pb: 'w2',
    processedOn: '2000',
    finishedOn: '2250',
    st: 'failed',
    en: 'HttpError',
    ek: 'http',
    failedReason: 'Gateway timed out',
    ...more,
  }
  const stored = { queue: 'q', id: 'id', fields, locked: false, delayedScore: null }
  return { stored, job: toJob(stored), log }
}

const fits = (search: Omit<JobSearch, 'queues'>, candidate = failed()): boolean =>
  matchesSearch(candidate, { queues: ['q'], ...search })

describe('matchesSearch', () => {
  it('finds a job by any worker that ran it', () => {
    expect(['w1', 'w2', 'w3'].map((worker) => fits({ worker }))).toEqual([true, true, false])
  })

  it('measures the last attempt of a job that has ended; others have no duration', () => {
    expect(fits({ minDurationMs: 250, maxDurationMs: 250 })).toBe(true)
    expect([fits({ minDurationMs: 251 }), fits({ maxDurationMs: 249 })]).toEqual([false, false])
    const { finishedOn: _, ...running } = failed().stored.fields
    const stored = { ...failed().stored, fields: running as Record<string, string>, locked: true }
    expect(fits({ minDurationMs: 0 }, { stored, job: toJob(stored), log: [] })).toBe(false)
  })

  it.each([
    ['order.id', '42', true],
    ['order.id', '42.0', true],
    ['order.id', '4.2e1', true],
    ['order.id', '43', false],
    ['order.id', '0x2A', false],
    ['order.id', ' 42', false],
    ['order.id', '+42', false],
    ['order.long', '12345678901234567890', true],
    ['order.long', '1234567890123456789e1', true],
    ['order.long', '12345678901234567891', false],
    ['order.long', '12345678901234567000', false],
    ['order.id', '', false],
    ['order.code', '42', true],
    ['order.code', '42.0', false],
    ['order.paid', 'true', true],
    ['order.paid', '1', false],
    ['order.note', 'null', true],
    ['order.lines.sku', 'x', false],
    ['order', '[object Object]', false],
    ['order.constructor.name', 'Object', false],
    ['none', 'x', false],
  ])('looks into the input: %s=%s', (path, value, expected) => {
    expect(fits({ input: [{ path: path.split('.'), value }] })).toBe(expected)
  })

  it.each([
    ['gateway', true],
    ['TIMED gateway', true],
    ['gate', false],
    ['httperror', true],
    ['http', true],
    ['lost', true],
    ['demo.echo', true],
    ['12345', true],
    ['disk', true],
    ['disk nothing', false],
    ['…', false],
  ])('finds words of errors, reasons and of the log, whole ones, in any order and case: %s', (q, expected) => {
    expect(fits({ q }, failed({}, ['warn the disk, nearly full', 'demo-echo at /tmp/-12345']))).toBe(expected)
  })

  it('asks for all that is given', () => {
    expect(fits({ worker: 'w1', q: 'gateway', errorKind: 'http' })).toBe(true)
    expect(fits({ worker: 'w1', q: 'gateway', errorKind: 'error' })).toBe(false)
  })
})
