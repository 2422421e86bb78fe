import { describe, expect, it } from 'vitest'
import type { Hit } from '../storm.ts'
import { hasPassed, objectionsTo, type SchedulesOutcome } from './outcome.ts'
import type { MemberName } from './plan.ts'
import { lastLine } from './report.ts'

const hit = (more: Partial<Hit<MemberName>> = {}): Hit<MemberName> => ({
  atMs: 0,
  member: 'scheduler-1',
  kind: 'kill',
  forMs: 0,
  pid: 1,
  at: 0,
  ...more,
})

/** A minute that nothing speaks against. */
const GOOD: SchedulesOutcome = {
  expected: 60_000,
  fired: 58_000,
  skipped: 2000,
  reasons: new Map([['pause', 2000]]),
  stale: [],
  problems: [],
  hits: [...Array.from({ length: 8 }, () => hit()), hit({ kind: 'freeze' })],
  gaps: [
    { hit: hit(), ms: 3100, scheduleId: 's', from: 0, isUndisturbed: true },
    { hit: hit(), ms: 9000, scheduleId: 's', from: 0, isUndisturbed: false },
  ],
  changes: 150,
  unrecorded: 0,
  surprises: [],
}
const OPTIONS = { minutes: 1, seed: 7 }

describe('a run of schedules', () => {
  it('has passed if each tick was decided once, and there were enough of all', () => {
    expect(objectionsTo(GOOD, OPTIONS)).toEqual([])
    expect(hasPassed(GOOD, OPTIONS)).toBe(true)
  })

  it.each<[string, Partial<SchedulesOutcome>, string[]]>([
    ['a tick was lost', { problems: [{ kind: 'lost', scheduleId: 's', scheduledFor: '', why: '' }] }, []],
    ['a process did what nobody had it do', { surprises: ['api-1 ended by itself'] }, ['api-1 ended by itself']],
    ['nothing was killed', { hits: [hit({ kind: 'stop' })] }, ['expected at least 6 kills in 1 min, got 0']],
    [
      'there were few ticks',
      { expected: 20_000, fired: 18_000 },
      ['expected at least 30000 ticks to expect in 1 min, got 20000'],
    ],
    ['hardly any fired', { fired: 10 }, ['expected at least 15000 ticks to fire in 1 min, got 10']],
    ['nothing was changed', { changes: 0 }, ['expected at least 30 edits, pauses and resumes in 1 min, got 0']],
    ['jobs are not recorded', { unrecorded: 1 }, ['expected every job that ran to be in the history, 1 are not']],
  ])('has failed if %s', (_, more, objections) => {
    expect(hasPassed({ ...GOOD, ...more }, OPTIONS)).toBe(false)
    expect(objectionsTo({ ...GOOD, ...more }, OPTIONS)).toEqual(objections)
  })

  it('is told in one line, with the gaps of kills that nothing else disturbed', () => {
    expect(JSON.stringify(lastLine(GOOD, OPTIONS))).toBe(
      '{"chaos":"schedules","seed":7,"kills":8,"expected":60000,"fired":58000,"skipped":2000,"lost":0,"doubled":0,"gapP99Ms":3100}',
    )
  })

  it('counts what was lost and doubled', () => {
    const problem = (kind: 'lost' | 'doubled' | 'wrong') => ({ kind, scheduleId: 's', scheduledFor: '', why: '' })
    const problems = [problem('lost'), problem('doubled'), problem('doubled'), problem('wrong')]
    expect(lastLine({ ...GOOD, problems }, OPTIONS)).toMatchObject({ lost: 1, doubled: 2 })
  })
})
