import { startRedis } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

/** Their Redis writes a file, unlike the one that the tests share. */
const openApi = async (...args: string[]) => openTestApi({ redisUrl: (await startRedis({ args })).url })

const ON_DISK = { type: 'demo.echo', input: 1, durability: 'fsync' }

const info = await (await openApi()).redis.info()
const [major = 0, minor = 0] = /^redis_version:(\S+)/m.exec(info)?.[1]?.split('.').map(Number) ?? []
const canWait = major > 7 || (major === 7 && minor >= 2)

describe.runIf(!canWait)('`durability: "fsync"` on a Redis before 7.2', () => {
  it('is refused, and says which Redis would do', async () => {
    const api = await openApi()
    const { detail, hint } = (await api.post('/v1/jobs', ON_DISK)).problem(400, 'durability_unavailable')
    expect(detail).toBe(
      `expected Redis 7.2 or later, which can tell when a write is on its disk, got ${/^redis_version:(\S+)/m.exec(info)?.[1]}`,
    )
    expect(hint).toContain('use a newer Redis, or Valkey')
    const { body } = await api.post('/v1/jobs/batch', { jobs: [ON_DISK, { type: 'demo.echo', input: 2 }] })
    expect(body.results).toMatchObject([{ status: 400, error: { code: 'durability_unavailable' } }, { status: 202 }])
    expect((await api.get('/v1/queues/demo')).body.counts.queued).toBe(1)
  })
})

describe.runIf(canWait).concurrent('`durability: "fsync"`', () => {
  it('is 202 when the job is on the disk, also for a batch in one wait', async () => {
    const api = await openApi()
    const job = (await api.post('/v1/jobs', ON_DISK)).job(202)
    expect((await api.get(`/v1/jobs/${job.id}`)).job(200)).toEqual(job)
    const { body } = await api.post('/v1/jobs/batch', { jobs: Array(1000).fill(ON_DISK) })
    expect(new Set(body.results.map(({ status }: { status: number }) => status))).toEqual(new Set([202]))
    expect(await api.redis.info('commandstats')).toContain('cmdstat_waitaof:calls=2,')
  })

  it('is 503 when the disk is not reached, and the same key waits for it again', async () => {
    const api = await openApi('--appendfsync', 'no')
    const request = { ...ON_DISK, idempotencyKey: 'once' }
    const first = await api.post('/v1/jobs', request)
    expect(first.problem(503, 'unavailable').hint).toContain('same idempotency key')
    expect(first.headers.get('retry-after')).toBe('1')
    ;(await api.post('/v1/jobs', request)).problem(503, 'unavailable')
    ;(await api.post('/v1/jobs/batch', { jobs: [{ ...request, idempotencyKey: 'other' }] })).problem(503, 'unavailable')
    await api.redis.config('SET', 'appendfsync', 'everysec')
    ;(await api.post('/v1/jobs', request)).job(200)
    expect((await api.get('/v1/queues/demo')).body.counts.queued).toBe(2)
  })

  it('is refused by a Redis that writes no file', async () => {
    const api = await openApi('--appendonly', 'no')
    const { detail, hint } = (await api.post('/v1/jobs', ON_DISK)).problem(400, 'durability_unavailable')
    expect(detail).toContain('writes its append-only file')
    expect(hint).toContain('CONFIG SET appendonly yes')
  })
})
