import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const ECHO = { type: 'demo.echo', input: 1 }

const ask = (key: string, more: object = {}) => api.post('/v1/jobs', { ...ECHO, dedupe: { key }, ...more })

describe('a dedupe key', () => {
  it('gives the live job to whoever asks for another one, and says so', async () => {
    const first = await ask('customer-1')
    const job = first.job(202)
    expect(first.headers.get('deduplicated')).toBeNull()
    for (const more of [{}, { input: 2, labels: { a: 'b' } }, { delayMs: 1000, priority: 3 }]) {
      const answer = await ask('customer-1', more)
      expect(answer.job(200)).toEqual(job)
      expect(answer.headers.get('deduplicated')).toBe('true')
      expect(answer.headers.get('idempotency-replayed')).toBeNull()
      expect(answer.headers.get('location')).toBe(first.headers.get('location'))
    }
  })

  it('makes one job of a hundred requests at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('at-once')))
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
    expect(answers.filter(({ headers }) => headers.get('deduplicated') === 'true')).toHaveLength(99)
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  })

  it('is free when the job has ended', async () => {
    const { id } = (await ask('ends', { delayMs: 60_000 })).job(202)
    ;(await api.post(`/v1/jobs/${id}/cancel`)).job(200)
    expect((await ask('ends')).job(202).id).not.toBe(id)
  })

  it('is told apart by type', async () => {
    ;(await ask('same')).job(202)
    ;(await ask('same', { type: 'demo.sleep', input: { ms: 1 } })).job(202)
  })

  it('comes after the idempotency key', async () => {
    const first = (await ask('both', { idempotencyKey: 'one' })).job(202)
    const again = await ask('both', { idempotencyKey: 'one' })
    expect([again.job(200).id, again.headers.get('idempotency-replayed')]).toEqual([first.id, 'true'])
    const other = await ask('both', { idempotencyKey: 'two' })
    expect([other.job(200).id, other.headers.get('deduplicated')]).toEqual([first.id, 'true'])
    ;(await ask('both', { idempotencyKey: 'one', dedupe: { key: 'else' } })).problem(422, 'idempotency_key_reused')
  })

  it('is marked in the results of a batch', async () => {
    const item = { ...ECHO, dedupe: { key: 'batch' }, idempotencyKey: 'in-batch' }
    const jobs = [item, { ...item, idempotencyKey: 'another' }, item]
    const { body } = await api.post('/v1/jobs/batch', { jobs })
    const [{ job }] = body.results
    expect(body.results).toEqual([
      { status: 202, job },
      { status: 200, job, deduplicated: true },
      { status: 200, job, replayed: true },
    ])
  })

  it('is no part of a key of Redis', async () => {
    ;(await ask('some-key-of-a-caller')).job(202)
    expect((await api.redis.keys('*')).join()).not.toContain('some-key')
  })
})
