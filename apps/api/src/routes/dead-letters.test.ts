import type { Job } from '@foliot/jobs'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { makeDeadLetters } from '../fixtures/dead-letters.ts'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const ids = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id)

const list = async (query: string): Promise<Job[]> => (await api.get(`/v1/dead-letters?${query}`)).body.items

/** Starts an operation and gives its last state. */
async function operate(kind: 'redrive' | 'discard', body: object) {
  const answer = await api.post(`/v1/dead-letters/${kind}`, body)
  expect([answer.status, answer.body.state]).toEqual([202, 'running'])
  const location = answer.headers.get('location') as string
  expect(location).toBe(`/v1/operations/${answer.body.id}`)
  return waitUntil(async () => {
    const { body: state } = await api.get(location)
    return state.state !== 'running' && state
  })
}

describe('GET /v1/dead-letters', () => {
  it('lists jobs that failed and timed out, newest first', async () => {
    const { label, jobs } = await makeDeadLetters(api, 5)
    const listed = await list(`label=${label}`)
    expect(ids(listed).toSorted()).toEqual(ids(jobs).toSorted())
    const ends = listed.map(({ finishedAt = '' }) => finishedAt)
    expect(ends).toEqual(ends.toSorted().toReversed())
    const [newest] = await list(`label=${label}&limit=1`)
    expect(newest).toMatchObject({ status: 'failed', error: { name: 'Error', message: 'no luck', kind: 'error' } })
  })

  it('filters by kind, fingerprint, type, queue, time and id', async () => {
    const { label, jobs } = await makeDeadLetters(api, 3, { kind: 'smtp_refused', fingerprint: 'smtp_refused-1' })
    const [first, second] = ids(jobs)
    expect(await list(`label=${label}&errorKind=smtp_refused`)).toHaveLength(3)
    expect(await list(`label=${label}&errorKind=error`)).toHaveLength(0)
    expect(await list(`label=${label}&fingerprint=smtp_refused-1`)).toHaveLength(3)
    expect(await list(`label=${label}&fingerprint=smtp_refused-2`)).toHaveLength(0)
    expect(await list(`label=${label}&type=demo.fail`)).toHaveLength(0)
    expect(await list(`label=${label}&queue=demo&type=demo.echo`)).toHaveLength(3)
    expect(await list(`label=${label}&from=2090-01-01T00:00:00Z`)).toHaveLength(0)
    expect(ids(await list(`id=${first}`))).toEqual([first])
    for (const query of [`id=${first},${second}`, `id=${first}&id=${second}`]) {
      expect(ids(await list(query)).toSorted()).toEqual([first, second].toSorted())
    }
    expect(await list('id=x')).toEqual([])
  })

  it('pages to an end', async () => {
    const { label, jobs } = await makeDeadLetters(api, 5)
    const found: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await api.get(`/v1/dead-letters?limit=2&label=${label}${cursor && `&cursor=${cursor}`}`)
      found.push(...ids(body.items))
      cursor = body.nextCursor
    }
    expect(found.toSorted()).toEqual(ids(jobs).toSorted())
  })

  it.each(['status=failed', 'limit=0', 'cursor=x', 'label=x', 'colour=red', `id=${'x'.repeat(65)}`])(
    'refuses %s',
    async (query) => {
      ;(await api.get(`/v1/dead-letters?${query}`)).problem(400, 'validation_failed')
    },
  )

  it('does not know a queue that is none', async () => {
    ;(await api.get('/v1/dead-letters?queue=../x')).problem(404, 'not_found')
  })
})

describe('POST /v1/dead-letters/redrive', () => {
  it('puts those back that fit the filter, under their ids, and they run again', async () => {
    const { label, jobs } = await makeDeadLetters(api, 3)
    const { label: others } = await makeDeadLetters(api, 2)
    const state = await operate('redrive', { filter: { label, type: 'demo.echo', queue: 'demo', errorKind: 'error' } })
    expect(state).toMatchObject({ kind: 'redrive', state: 'completed', dryRun: false, matched: 3, moved: 3 })
    expect(state.sample.toSorted()).toEqual(ids(jobs).toSorted())
    expect([(await list(`label=${label}`)).length, (await list(`label=${others}`)).length]).toEqual([0, 2])
    const consumer = await api.consume(runAsAsked)
    for (const { id } of jobs) {
      const job = (await api.get(`/v1/jobs/${id}/wait`)).job(200)
      expect(job).toMatchObject({ status: 'succeeded', attempt: 2, attemptsUsed: 0, error: null })
    }
    await consumer.stop(0)
  })

  it('only counts in a dry run', async () => {
    const { label, jobs } = await makeDeadLetters(api, 3)
    const state = await operate('redrive', { filter: { label }, dryRun: true })
    expect(state).toMatchObject({ state: 'completed', dryRun: true, matched: 3, moved: 0 })
    expect(state.sample.toSorted()).toEqual(ids(jobs).toSorted())
    expect(await list(`label=${label}`)).toHaveLength(3)
  })

  it('takes one id or a list of them', async () => {
    const [first, second, third] = ids((await makeDeadLetters(api, 3)).jobs)
    expect(await operate('redrive', { filter: { id: first } })).toMatchObject({ matched: 1, moved: 1 })
    expect(await operate('redrive', { filter: { id: [first, second, third] } })).toMatchObject({ matched: 2, moved: 2 })
  })

  it('takes those of one fingerprint', async () => {
    const wanted = await makeDeadLetters(api, 3, { fingerprint: 'error-wanted' })
    const other = await makeDeadLetters(api, 2, { fingerprint: 'error-other' })
    const fingerprint = 'error-wanted'
    expect(await operate('redrive', { filter: { label: other.label, fingerprint } })).toMatchObject({ matched: 0 })
    const state = await operate('redrive', { filter: { label: wanted.label, fingerprint } })
    expect(state).toMatchObject({ matched: 3, moved: 3 })
    expect(state.sample.toSorted()).toEqual(ids(wanted.jobs).toSorted())
  })

  it('moves nothing that is no dead letter', async () => {
    const consumer = await api.consume(runAsAsked)
    const running = (await api.post('/v1/jobs', { type: 'demo.sleep', input: { ms: 1 } })).job(202)
    await waitUntil(async () => (await api.get(`/v1/jobs/${running.id}`)).body.status === 'running')
    const scheduled = await api.echo(1, { delayMs: 3_600_000 })
    const body = { filter: { id: [running.id, scheduled.id, '0198c0de-0000-7000-8000-000000000000', 'x'] } }
    for (const kind of ['redrive', 'discard'] as const) {
      expect(await operate(kind, body)).toMatchObject({ state: 'completed', matched: 0, moved: 0, sample: [] })
    }
    expect((await api.get(`/v1/jobs/${running.id}`)).body).toMatchObject({ status: 'running', attempt: 1 })
    await consumer.stop(0)
  })

  it('moves each once, however many ask at the same time', async () => {
    const { label } = await makeDeadLetters(api, 30)
    const states = await Promise.all(Array.from({ length: 10 }, () => operate('redrive', { filter: { label } })))
    expect(states.reduce((sum, { moved }) => sum + moved, 0)).toBe(30)
  })
})

describe('POST /v1/dead-letters/discard', () => {
  it('puts those aside that fit, for good', async () => {
    const { label, jobs } = await makeDeadLetters(api, 2)
    expect(await operate('discard', { filter: { label } })).toMatchObject({ kind: 'discard', matched: 2, moved: 2 })
    expect(await list(`label=${label}`)).toEqual([])
    const [id] = ids(jobs)
    const job = (await api.get(`/v1/jobs/${id}`)).job(200)
    expect([job.status, typeof job.discardedAt, job.timeline.at(-1)?.event]).toEqual(['failed', 'string', 'discarded'])
    ;(await api.post(`/v1/jobs/${id}/retry`)).problem(409, 'illegal_transition')
    expect(await operate('redrive', { filter: { id } })).toMatchObject({ matched: 0, moved: 0 })
  })
})

it('a discard cannot be stopped by failures: nothing runs again', async () => {
  const answer = await api.post('/v1/dead-letters/discard', { filter: {}, stopOnFailureRatio: 0.5 })
  answer.problem(400, 'validation_failed')
})

describe.each(['redrive', 'discard'])('POST /v1/dead-letters/%s with a bad request', (kind) => {
  it.each<[string, unknown]>([
    ['no filter', {}],
    ['a filter that is null', { filter: null }],
    ['an id beside the filter', { id: 'x' }],
    ['an unknown field', { filter: {}, colour: 'red' }],
    ['an unknown filter', { filter: { colour: 'red' } }],
    ['a status', { filter: { status: 'failed' } }],
    ['no ids', { filter: { id: [] } }],
    ['1001 ids', { filter: { id: Array(1001).fill('x') } }],
    ['an id that is a number', { filter: { id: 1 } }],
    ['a label that is none', { filter: { label: 'x' } }],
    ['a time that is none', { filter: { from: 'yesterday' } }],
    ['a dry run that is text', { filter: {}, dryRun: 'yes' }],
    ['a rate of none', { filter: {}, ratePerSecond: 0 }],
    ['a rate that is no integer', { filter: {}, ratePerSecond: 1.5 }],
    ['a rate that is text', { filter: {}, ratePerSecond: '5' }],
    ['a ratio above one', { filter: {}, stopOnFailureRatio: 1.1 }],
    ['a ratio below none', { filter: {}, stopOnFailureRatio: -0.1 }],
    ['a list', []],
  ])('refuses %s', async (_, body) => {
    ;(await api.post(`/v1/dead-letters/${kind}`, body)).problem(400, 'validation_failed')
  })

  it('does not know a queue that is none', async () => {
    ;(await api.post(`/v1/dead-letters/${kind}`, { filter: { queue: '../x' } })).problem(404, 'not_found')
  })
})
