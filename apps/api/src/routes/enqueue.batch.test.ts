import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const ECHO = { type: 'demo.echo', input: 1 }

const batch = async (jobs: unknown[]) => {
  const answer = await api.post('/v1/jobs/batch', { jobs })
  expect(answer.status).toBe(207)
  return answer.body.results as {
    status: number
    job?: { id: string; input: unknown }
    error?: { code: string; errors?: object[] }
  }[]
}

describe('POST /v1/jobs/batch', () => {
  it('stores a thousand jobs, in order', async () => {
    const results = await batch(Array.from({ length: 1000 }, (_, i) => ({ type: 'demo.echo', input: i })))
    expect(results.map((result) => result.status)).toEqual(Array(1000).fill(202))
    expect(results.map((result) => result.job?.input)).toEqual([...Array(1000).keys()])
    expect(new Set(results.map((result) => result.job?.id)).size).toBe(1000)
  })

  it('stores each with what is its own', async () => {
    const one = { ...ECHO, labels: { a: 'b' }, delayMs: 60_000, priority: 3, attempts: 7 }
    const [result] = await batch([one])
    const stored = (await api.get(`/v1/jobs/${result?.job?.id}`)).job(200)
    expect(stored).toEqual(result?.job)
    expect(stored).toMatchObject({ status: 'scheduled', labels: { a: 'b' }, priority: 3, maxAttempts: 7 })
  })

  it.each<[string, unknown]>([
    ['no jobs', { jobs: [] }],
    ['1001 jobs', { jobs: Array(1001).fill(ECHO) }],
    ['jobs that are no list', { jobs: ECHO }],
    ['no field jobs', {}],
    ['a list instead of an object', [ECHO]],
    ['an unknown field', { jobs: [ECHO], atomic: true }],
  ])('refuses %s', async (_, body) => {
    const before = await api.redis.dbsize()
    ;(await api.post('/v1/jobs/batch', body)).problem(400, 'validation_failed')
    expect(await api.redis.dbsize()).toBe(before)
  })

  it('lets no bad job spoil another one', async () => {
    const results = await batch([
      ECHO,
      {},
      1,
      null,
      'x',
      [],
      { type: 'no.such', input: 1 },
      { type: 'demo.echo', input: 'x'.repeat(65 * 1024) },
      { ...ECHO, priority: -1 },
      { type: 'demo.fail', input: {} },
      { ...ECHO, colour: 'red' },
      { ...ECHO, labels: { a: 'x\u0000' } },
      { ...ECHO, durability: 'fsync' },
      ECHO,
    ])
    expect(results.map((result) => [result.status, result.error?.code])).toEqual([
      [202, undefined],
      ...Array(5).fill([400, 'validation_failed']),
      [404, 'unknown_job_type'],
      [413, 'payload_too_large'],
      ...Array(4).fill([400, 'validation_failed']),
      [400, 'durability_unavailable'],
      [202, undefined],
    ])
    expect(results[8]?.error?.errors).toEqual([{ path: '/priority', message: expect.any(String) }])
  })

  it('answers 207 also when nothing could be stored', async () => {
    expect((await batch([{}, { type: 'no.such', input: 1 }])).map(({ status }) => status)).toEqual([400, 404])
  })

  it('gives the first job to a second one with the same key, and refuses another one', async () => {
    const results = await batch([
      { ...ECHO, idempotencyKey: 'twice' },
      { ...ECHO, idempotencyKey: 'twice' },
      { ...ECHO, input: 2, idempotencyKey: 'twice' },
    ])
    expect(results.map((result) => [result.status, result.error?.code])).toEqual([
      [202, undefined],
      [200, undefined],
      [422, 'idempotency_key_reused'],
    ])
    expect(results[1]?.job?.id).toBe(results[0]?.job?.id)
  })

  it('is the same as a single request to an idempotency key', async () => {
    const [first] = await batch([{ ...ECHO, idempotencyKey: 'across' }])
    expect((await api.post('/v1/jobs', ECHO, { 'idempotency-key': 'across' })).job(200).id).toBe(first?.job?.id)
  })

  it('refuses a key for the batch as a whole', async () => {
    const answer = await api.post('/v1/jobs/batch', { jobs: [ECHO] }, { 'idempotency-key': 'whole' })
    expect(answer.problem(400, 'validation_failed').detail).toContain('in each job')
  })

  it('takes almost 8 MiB and refuses more', async () => {
    const big = { type: 'demo.echo', input: 'x'.repeat(60_000) }
    expect((await batch(Array(139).fill(big))).every(({ status }) => status === 202)).toBe(true)
    ;(await api.post('/v1/jobs/batch', { jobs: Array(140).fill(big) })).problem(413, 'payload_too_large')
  })
})
