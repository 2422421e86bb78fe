import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

let keys = 0
const newKey = (): string => `key-${++keys}`

const BODY = { type: 'demo.echo', input: { a: 1, b: [2] }, labels: { l: 'm' } }

const withHeader = (key: string, body: object = BODY) => api.post('/v1/jobs', body, { 'idempotency-key': key })
const withField = (key: string, body: object = BODY) => api.post('/v1/jobs', { ...body, idempotencyKey: key })

const queued = async (): Promise<number> => (await api.get('/v1/queues/demo')).body.counts.queued

describe('an idempotency key', () => {
  it('gives the first job to whoever repeats the request, and says so', async () => {
    const key = newKey()
    const first = await withHeader(key)
    const again = await withHeader(key)
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(again.job(200)).toEqual(first.job(202))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
  })

  it('is the same as a header and as a field', async () => {
    const [byHeader, byField] = [newKey(), newKey()]
    const { id } = (await withHeader(byHeader)).job(202)
    expect((await withField(byHeader)).job(200).id).toBe(id)
    const { id: other } = (await withField(byField)).job(202)
    expect((await withHeader(byField)).job(200).id).toBe(other)
    const both = await api.post('/v1/jobs', { ...BODY, idempotencyKey: byField }, { 'idempotency-key': byField })
    expect(both.job(200).id).toBe(other)
  })

  it('may hold letters of any script, in the header as in the field', async () => {
    const key = `clé-${newKey()}`
    const { id } = (await withField(key)).job(202)
    // As curl sends it, in UTF-8, and as a browser does, in Latin-1.
    expect((await withHeader(Buffer.from(key).toString('latin1'))).job(200).id).toBe(id)
    expect((await withHeader(key)).job(200).id).toBe(id)
  })

  it('gives the job as it is now', async () => {
    const key = newKey()
    const { id } = (await withHeader(key, { ...BODY, delayMs: 60_000 })).job(202)
    ;(await api.post(`/v1/jobs/${id}/cancel`)).job(200)
    expect((await withHeader(key, { ...BODY, delayMs: 60_000 })).job(200)).toMatchObject({ id, status: 'cancelled' })
  })

  it('gives the end of a job that has been dropped since, and refuses one of which nobody knows it', async () => {
    const [ended, lost] = [newKey(), newKey()]
    const ids = [(await withHeader(ended)).job(202).id, (await withHeader(lost)).job(202).id] as const
    const { finishedAt } = (await api.post(`/v1/jobs/${ids[0]}/cancel`)).job(200)
    for (const id of ids) await api.redis.del(`foliot:{demo}:${id}`)
    const again = await withHeader(ended)
    expect(again.job(200)).toMatchObject({ id: ids[0], status: 'cancelled', finishedAt, input: BODY.input })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect((await withHeader(lost)).problem(409, 'conflict').detail).toContain(ids[1])
    for (const id of ids) (await api.get(`/v1/jobs/${id}`)).problem(404, 'not_found')
  })

  it.each<[string, object]>([
    ['another input', { input: { a: 1, b: [3] } }],
    ['another order in a list', { input: { a: 1, b: [2, 2] } }],
    ['another priority', { priority: 1 }],
    ['a default written out', { priority: 0 }],
    ['a label more', { labels: { l: 'm', n: '' } }],
    ['a delay', { delayMs: 1000 }],
    ['another type', { type: 'demo.sleep', input: { ms: 1 } }],
  ])('is refused with %s, and nothing is stored', async (_, more) => {
    const key = newKey()
    const { id } = (await withHeader(key)).job(202)
    const before = await api.redis.dbsize()
    const answer = await withHeader(key, { ...BODY, ...more })
    expect(answer.problem(422, 'idempotency_key_reused').detail).toContain(id)
    expect(await api.redis.dbsize()).toBe(before)
  })

  it('does not mind the order of fields, space, or how a number is written', async () => {
    const key = newKey()
    const headers = { 'idempotency-key': key }
    const { id } = (await api.post('/v1/jobs', '{"type":"demo.echo","input":{"a":1,"b":{"c":2,"d":3}}}', headers)).job(
      202,
    )
    const text = '{ "input": {"b": {"d": 3e0, "c": 2.0}, "a": 1}, "type": "demo.\\u0065cho" }'
    expect((await api.post('/v1/jobs', text, headers)).job(200).id).toBe(id)
  })

  it('makes one job of a hundred requests at once', async () => {
    const key = newKey()
    const before = await queued()
    const answers = await Promise.all(Array.from({ length: 100 }, () => withHeader(key)))
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99)
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(await queued()).toBe(before + 1)
  })

  it('refuses all but the first of different requests at once', async () => {
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => withHeader(key, { ...BODY, input: i })))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(49).fill(422)])
  })

  it('counts across a single request and a batch', async () => {
    const key = newKey()
    const { id } = (await withHeader(key)).job(202)
    const { body } = await api.post('/v1/jobs/batch', { jobs: [{ ...BODY, idempotencyKey: key }] })
    expect(body.results).toMatchObject([{ status: 200, job: { id } }])
  })

  it('is refused if header and field differ', async () => {
    const answer = await api.post('/v1/jobs', { ...BODY, idempotencyKey: newKey() }, { 'idempotency-key': newKey() })
    expect(answer.problem(400, 'validation_failed').errors?.[0]?.path).toBe('/idempotencyKey')
  })

  it.each(['', 'x'.repeat(257), 'a\tb'])('is refused as the header %j', async (key) => {
    ;(await withHeader(key)).problem(400, 'validation_failed')
  })

  it('is refused with half of a surrogate pair, which would be the same as any other half', async () => {
    ;(await withField('order-\ud83d')).problem(400, 'validation_failed')
  })

  it('is not used up by a request that is refused', async () => {
    const key = newKey()
    ;(await withHeader(key, { ...BODY, priority: -1 })).problem(400, 'validation_failed')
    ;(await withHeader(key, { ...BODY, type: 'no.such' })).problem(404, 'unknown_job_type')
    ;(await withHeader(key)).job(202)
  })

  it('is kept for a day, and is no part of a key of Redis', async () => {
    await withHeader(newKey())
    const records = (await api.redis.keys('*idem*')).filter((key) => key.includes('idem'))
    expect(records.join()).not.toContain('key-')
    for (const record of records.slice(0, 3)) expect(await api.redis.pttl(record)).toBeGreaterThan(23 * 3_600_000)
  })
})
