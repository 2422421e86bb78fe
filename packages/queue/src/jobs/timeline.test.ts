import { describe, expect, it } from 'vitest'
import type { AttemptRecord } from '../attempts/attempt-record.ts'
import { NO_ENVELOPE } from '../enqueue/envelope.ts'
import { timelineOf } from './timeline.ts'

const record = (n: number, outcome: AttemptRecord['outcome'], more: Partial<AttemptRecord> = {}): string =>
  JSON.stringify({ n, worker: `w${n}`, start: n * 100, end: n * 100 + 50, outcome, ...more } satisfies AttemptRecord)

/** Each entry as `<ms> <event> [#attempt] [detail]`. */
const tell = (fields: Record<string, string>, status: Parameters<typeof timelineOf>[1], runAt?: number): string[] =>
  timelineOf({ fields: { timestamp: '10', ...fields } }, status, {
    ...NO_ENVELOPE,
    ...(runAt !== undefined && { runAt }),
  }).map(({ at, event, attempt, detail }) =>
    [Date.parse(at), event, attempt && `#${attempt}`, detail].filter((part) => part !== undefined).join(' '),
  )

describe('timelineOf', () => {
  it('tells of a job that waits', () => {
    expect(tell({}, 'queued')).toEqual(['10 created'])
    expect(tell({}, 'scheduled', 1000)).toEqual(['10 created', '10 scheduled for 1970-01-01T00:00:01.000Z'])
  })

  it('tells of a job that succeeded at once', () => {
    expect(tell({ ats: '1', processedOn: '100', pb: 'w1', finishedOn: '150' }, 'succeeded')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '150 succeeded #1',
    ])
  })

  it('starts no attempt before the one before it has ended, though its fetch bears the time of its asking', () => {
    const hung = { a1: record(1, 'lost', { end: 900 }), a2: record(2, 'lost'), ats: '3', processedOn: '300', pb: 'w3' }
    expect(tell(hung, 'running')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '900 worker_lost #1 worker w1 stopped answering',
      '900 started #2 by worker w2',
      '900 worker_lost #2 worker w2 stopped answering',
      '900 started #3 by worker w3',
    ])
  })

  it('tells of every way in which an attempt can end', () => {
    const error = { name: 'E', message: 'no', kind: 'error' }
    const fields = {
      a1: record(1, 'failed', { error, reason: 'again in 1 s', nextAt: 180 }),
      a2: record(2, 'timed_out', { error, reason: 'again in 1 s', nextAt: 280 }),
      a3: record(3, 'snoozed', { reason: 'the handler asked for 1 ms', nextAt: 390 }),
      a4: record(4, 'handed_back', { reason: 'the worker is shutting down' }),
      a5: record(5, 'lost'),
      ats: '6',
      processedOn: '600',
      pb: 'w6',
    }
    expect(tell(fields, 'running')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '150 attempt_failed #1 E: no',
      '150 retry_scheduled #1 again in 1 s',
      '200 started #2 by worker w2',
      '250 timed_out #2 E: no',
      '250 retry_scheduled #2 again in 1 s',
      '300 started #3 by worker w3',
      '350 snoozed #3 the handler asked for 1 ms',
      '400 started #4 by worker w4',
      '450 handed_back #4 the worker is shutting down',
      '500 started #5 by worker w5',
      '550 worker_lost #5 worker w5 stopped answering',
      '600 started #6 by worker w6',
    ])
  })

  it('tells once that the last attempt failed, or timed out', () => {
    const last = { ats: '1', processedOn: '100', pb: 'w1', finishedOn: '150' }
    expect(tell({ ...last, a1: record(1, 'failed', { reason: 'no attempt is left' }) }, 'failed')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '150 attempt_failed #1',
      '150 failed #1 no attempt is left',
    ])
    expect(tell({ ...last, a1: record(1, 'timed_out') }, 'timed_out')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '150 timed_out #1',
    ])
  })

  it('tells of a deadline that passed while the job waited, also after an attempt that timed out', () => {
    const fields = {
      a1: record(1, 'timed_out', { reason: 'again in 1 s', nextAt: 900 }),
      ev: '{"at":300,"event":"timed_out","after":1,"detail":"too late"}',
      ats: '1',
      processedOn: '100',
      finishedOn: '300',
    }
    expect(tell(fields, 'timed_out')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '150 timed_out #1',
      '150 retry_scheduled #1 again in 1 s',
      '300 timed_out too late',
    ])
  })

  it('puts what callers did in its place', () => {
    const ev = ['{"at":120,"event":"promoted","detail":"by api"}', '{"at":90,"event":"redriven"}', ''].join('\n')
    expect(
      tell(
        {
          ev,
          ats: '1',
          processedOn: '100',
          finishedOn: '150',
          returnvalue: '{"cancelled":{"by":"api","reason":"late"}}',
        },
        'cancelled',
      ),
    ).toEqual(['10 created', '90 redriven', '100 started #1', '120 promoted by api', '150 cancelled #1 late'])
  })

  it('keeps ends that a redrive undid, and what callers did within a millisecond, in their places', () => {
    const fields = {
      a1: record(1, 'failed', { reason: 'no attempt is left' }),
      a2: record(2, 'failed', { start: 150, end: 150, reason: 'again', nextAt: 900 }),
      ev: [
        '{"at":150,"event":"failed","attempt":1,"after":1}',
        '{"at":150,"event":"redriven","detail":"by api","after":1}',
        '{"at":150,"event":"promoted","after":2}',
      ].join('\n'),
      ats: '3',
      processedOn: '150',
      pb: 'w3',
    }
    expect(tell(fields, 'running')).toEqual([
      '10 created',
      '100 started #1 by worker w1',
      '150 attempt_failed #1',
      '150 failed #1 no attempt is left',
      '150 redriven by api',
      '150 started #2 by worker w2',
      '150 attempt_failed #2',
      '150 retry_scheduled #2 again',
      '150 promoted',
      '150 started #3 by worker w3',
    ])
  })

  it('keeps what happened within a millisecond in the order of cause and effect', () => {
    const a1 = record(1, 'failed', { start: 10, end: 10, reason: 'now', nextAt: 10 })
    expect(tell({ a1, ats: '1', processedOn: '10', pb: 'w1' }, 'queued').map((line) => line.split(' ')[1])).toEqual([
      'created',
      'started',
      'attempt_failed',
      'retry_scheduled',
    ])
  })
})
