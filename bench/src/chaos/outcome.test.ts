import type { Job } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { hasPassed, type Outcome, objectionsTo } from './outcome.ts'

/** A run that nothing speaks against: one job was accepted, and ended. */
const GOOD: Outcome = {
  problems: [],
  ends: { succeeded: 1, failed: 0, timed_out: 0, cancelled: 0 },
  reExecuted: 0,
  recorded: 1,
  records: [
    {
      request: {
        n: 1,
        kind: 'echoes',
        body: { type: 'demo.echo', input: 1, idempotencyKey: 'chaos-1-1', labels: {}, attempts: 12 },
        mayEnd: ['succeeded'],
      },
      id: 'a',
      sightings: [{ status: 'succeeded', attempt: 1 }],
      job: { status: 'succeeded' } as Job,
      isMissing: false,
    },
  ],
  hits: [],
  answers: new Map([['202', 1]]),
  effects: new Map(),
  recoveries: [],
  unaccepted: 0,
  surprises: [],
}

describe('a run', () => {
  it('has passed if all that was sent was accepted and nothing went wrong', () => {
    expect(objectionsTo(GOOD)).toEqual([])
    expect(hasPassed(GOOD)).toBe(true)
  })

  it.each<[string, Partial<Outcome>, string[]]>([
    ['something became of a job that must not', { problems: [{ kind: 'lost', id: 'a', why: '' }] }, []],
    [
      'a process did what nobody had it do',
      { surprises: ['api-1 ended by itself: code 1'] },
      ['api-1 ended by itself: code 1'],
    ],
    ['nothing was accepted', { records: [] }, ['expected requests to be accepted, none was']],
    [
      'requests were never accepted',
      { unaccepted: 2 },
      ['expected every request to be accepted in the end, 2 were not'],
    ],
  ])('has failed if %s', (_, more, objections) => {
    expect(hasPassed({ ...GOOD, ...more })).toBe(false)
    expect(objectionsTo({ ...GOOD, ...more })).toEqual(objections)
  })
})
