import type { Job, JobStatus, TimelineEvent } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { type JobRecord, Ledger } from './ledger.ts'
import type { ChaosRequest } from './requests.ts'
import type { Sink } from './sink.ts'
import { judge, type Problem } from './verdict.ts'

const ID = '01a1fe4a-b2e2-707a-abf7-a11b7597036d'

const job = (status: JobStatus, more: Partial<Job> = {}): Job => ({
  id: ID,
  type: 'demo.echo',
  version: 1,
  queue: 'demo',
  status,
  attempt: 1,
  attemptsUsed: 0,
  maxAttempts: 3,
  priority: 0,
  progress: null,
  input: null,
  output: null,
  error: null,
  labels: {},
  tenant: 'default',
  traceId: '',
  createdAt: '2026-11-21T13:27:50.000Z',
  ...(['succeeded', 'failed', 'timed_out', 'cancelled'].includes(status) && { finishedAt: '2026-11-21T13:27:51.000Z' }),
  timeline: [],
  ...more,
})

/** A job that was given up because its workers died; its attempts ended so. */
const crashed = (more: Partial<Job>, events: readonly TimelineEvent[]): Job =>
  job('failed', {
    error: { name: 'WorkerLost', message: '', kind: 'crashed' },
    timeline: events.map((event, i) => ({ at: '2026-11-21T13:27:50.500Z', event, attempt: i + 1 })),
    ...more,
  })

const echo: ChaosRequest = {
  n: 1,
  kind: 'echoes',
  body: { type: 'demo.echo', input: { drawn: 1 }, idempotencyKey: 'chaos-1-1', labels: {}, attempts: 3 },
  mayEnd: ['succeeded'],
}
const succeeded = job('succeeded', { output: { drawn: 1 } })

const effects: ChaosRequest = {
  ...echo,
  kind: 'has effects',
  body: { ...echo.body, type: 'chaos.effect', input: { sink: '', request: 1, steps: 2, stepMs: 1 } },
}
const HEARD: Pick<Sink, 'effects' | 'results'> = {
  effects: new Map([
    [`${ID}:1`, { accepted: 1, refused: 3 }],
    [`${ID}:2`, { accepted: 1, refused: 0 }],
  ]),
  results: new Map([
    [`${ID}:1`, new Set(['a'])],
    [`${ID}:2`, new Set(['b'])],
  ]),
}

/** The verdict on one accepted job. */
function verdictOn(request: ChaosRequest, tell: (ledger: Ledger, record: JobRecord) => void, heard = HEARD) {
  const ledger = new Ledger()
  tell(ledger, ledger.accept(request, job('queued')))
  return judge(ledger, heard)
}
const kindsOf = ({ problems }: { problems: Problem[] }) => problems.map(({ kind }) => kind)

describe('the verdict on a job', () => {
  it('is good if it was seen to end, however often it was asked for', () => {
    const verdict = verdictOn(echo, (ledger, record) => {
      ledger.see(record, job('running'))
      ledger.see(record, succeeded)
      ledger.see(record, succeeded)
    })
    expect(verdict).toEqual({
      problems: [],
      ends: { succeeded: 1, failed: 0, timed_out: 0, cancelled: 0 },
      reExecuted: 0,
    })
  })

  it('is good if it was seen to end, and then no longer kept', () => {
    const verdict = verdictOn(echo, (ledger, record) => {
      ledger.see(record, succeeded)
      ledger.miss(record)
    })
    expect(verdict.problems).toEqual([])
    expect(verdict.ends.succeeded).toBe(1)
  })

  it('is lost if it cannot be found and never ended', () => {
    const verdict = verdictOn(echo, (ledger, record) => {
      ledger.see(record, job('running'))
      ledger.miss(record)
    })
    expect(verdict.problems).toEqual([
      { kind: 'lost', id: ID, why: 'accepted, last seen as running, and not to be found' },
    ])
  })

  it('is unfinished if it still goes on', () => {
    expect(kindsOf(verdictOn(echo, (ledger, record) => ledger.see(record, job('retrying'))))).toEqual(['unfinished'])
  })

  it.each([
    ['in another state', crashed({ attempt: 3, attemptsUsed: 3 }, ['worker_lost', 'worker_lost', 'worker_lost'])],
    ['at another time', { ...succeeded, finishedAt: '2026-11-21T13:27:59.000Z' }],
    ['by another attempt', { ...succeeded, attempt: 2 }],
  ])('is doubled if it ended once more %s', (_, second) => {
    const verdict = verdictOn(echo, (ledger, record) => {
      ledger.see(record, succeeded)
      ledger.see(record, second)
    })
    expect(kindsOf(verdict)).toEqual(['doubled'])
  })

  it('is doubled and unfinished if it runs again after its end', () => {
    const verdict = verdictOn(echo, (ledger, record) => {
      ledger.see(record, succeeded)
      ledger.see(record, job('running', { attempt: 2 }))
    })
    expect(kindsOf(verdict)).toEqual(['doubled', 'unfinished'])
  })

  it('is doubled if its request made a second job', () => {
    const verdict = verdictOn(echo, (ledger, record) => {
      ledger.see(record, succeeded)
      ledger.meet(1, 'another')
      ledger.meet(2, 'that of another request')
    })
    expect(verdict.problems).toEqual([{ kind: 'doubled', id: ID, why: 'its request also made the job another' }])
  })

  it('is wrong if it ended as it cannot, or with another output', () => {
    expect(kindsOf(verdictOn(echo, (ledger, record) => ledger.see(record, job('cancelled'))))).toEqual(['wrong'])
    const other = job('succeeded', { output: { drawn: 2 } })
    expect(kindsOf(verdictOn(echo, (ledger, record) => ledger.see(record, other)))).toEqual(['wrong'])
  })

  it('is good if it died with its workers, as often as it may', () => {
    const record = crashed({ attempt: 4, attemptsUsed: 3 }, [
      'worker_lost',
      'handed_back',
      'attempt_failed',
      'worker_lost',
    ])
    expect(verdictOn(echo, (ledger, of) => ledger.see(of, record)).problems).toEqual([])
  })

  it('is good if it died three times, whatever attempts were left', () => {
    const many = { ...echo, body: { ...echo.body, attempts: 12 } }
    const lost = crashed({ attempt: 4, attemptsUsed: 4 }, [
      'worker_lost',
      'attempt_failed',
      'worker_lost',
      'worker_lost',
    ])
    expect(verdictOn(many, (ledger, of) => ledger.see(of, lost)).problems).toEqual([])
    const once = crashed({ attempt: 1, attemptsUsed: 1 }, ['worker_lost'])
    expect(
      verdictOn({ ...many, body: { ...many.body, attempts: 1 } }, (ledger, of) => ledger.see(of, once)).problems,
    ).toEqual([])
  })

  it.each([
    ['at its second death', { attempt: 2, attemptsUsed: 2 }, ['worker_lost', 'worker_lost'], 'after 2 deaths', 2],
    [
      'at its fourth death',
      { attempt: 4, attemptsUsed: 4 },
      ['worker_lost', 'worker_lost', 'worker_lost', 'worker_lost'],
      'after 4 deaths',
      4,
    ],
    ['with attempts left', { attempt: 1, attemptsUsed: 1 }, ['worker_lost'], '1 of 3 attempts used up', 1],
    [
      'after attempts that it did not use up',
      { attempt: 2, attemptsUsed: 3 },
      ['worker_lost', 'handed_back'],
      '3 of 3',
      1,
    ],
    [
      'for fewer attempts than were asked for',
      { attempt: 1, attemptsUsed: 1, maxAttempts: 1 },
      ['worker_lost'],
      '1 of 3',
      1,
    ],
  ] as const)('is wrong if it was given up as crashed %s', (_, more, events, used, told) => {
    const { problems } = verdictOn(echo, (ledger, record) => ledger.see(record, crashed(more, events)))
    expect(problems).toEqual([{ kind: 'wrong', id: ID, why: expect.stringContaining(used) }])
    expect(problems[0]?.why).toMatch(new RegExp(`its timeline tells ${told}$`))
  })

  it('is good if it used up its attempts, and they are too many for its timeline', () => {
    const record = crashed({ attempt: 30, attemptsUsed: 3 }, ['worker_lost', 'snoozed'])
    expect(verdictOn(echo, (ledger, of) => ledger.see(of, record)).problems).toEqual([])
  })

  it('counts how often it was started after its first start', () => {
    const verdict = verdictOn(echo, (ledger, record) => ledger.see(record, { ...succeeded, attempt: 4 }))
    expect(verdict.reExecuted).toBe(3)
  })
})

describe('the verdict on the steps of a job', () => {
  const end = (ledger: Ledger, record: JobRecord) =>
    ledger.see(record, job('succeeded', { output: { results: ['a', 'b'] } }))

  it('is good if each had its effect once and its result is one', () => {
    expect(verdictOn(effects, end).problems).toEqual([])
  })

  it('is doubled if an effect was accepted twice', () => {
    const twice = { ...HEARD, effects: new Map([...HEARD.effects, [`${ID}:2`, { accepted: 2, refused: 0 }]]) }
    expect(kindsOf(verdictOn(effects, end, twice))).toEqual(['doubled'])
  })

  it('is doubled if a step has two results, be it only in the output of the job', () => {
    const two = { ...HEARD, results: new Map([[`${ID}:2`, new Set(['b', 'c'])]]) }
    expect(kindsOf(verdictOn(effects, end, two))).toEqual(['doubled'])
    const other = { ...HEARD, results: new Map([[`${ID}:2`, new Set(['c'])]]) }
    expect(verdictOn(effects, end, other).problems).toEqual([
      { kind: 'doubled', id: ID, why: 'step 2 has the results c, b' },
    ])
  })

  it('counts a job once, whatever is doubled of it', () => {
    const both = {
      effects: new Map([
        [`${ID}:1`, { accepted: 2, refused: 0 }],
        [`${ID}:2`, { accepted: 2, refused: 0 }],
      ]),
      results: HEARD.results,
    }
    expect(verdictOn(effects, end, both).problems).toEqual([
      { kind: 'doubled', id: ID, why: 'step 1 had its effect 2 times; step 2 had its effect 2 times' },
    ])
  })

  it('is wrong if the job succeeded without one', () => {
    const none = { ...HEARD, effects: new Map() }
    expect(kindsOf(verdictOn(effects, end, none))).toEqual(['wrong'])
  })
})
