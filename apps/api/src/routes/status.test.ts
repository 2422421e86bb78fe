import { METRICS } from '@foliot/telemetry'
import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

describe('/healthz and /readyz', () => {
  it('tell a process that lives from one that a worker has made ready', async () => {
    const api = await openTestApi({ announced: false })
    expect((await api.get('/healthz')).body).toEqual({ status: 'ok' })
    const answer = await api.get('/readyz')
    const problem = answer.problem(503, 'unavailable')
    expect([problem.detail, answer.headers.get('retry-after')]).toEqual(['not ready', '1'])
    const other = await openTestApi({ redisUrl: `redis://127.0.0.1:${api.redis.options.port}/${api.redis.options.db}` })
    expect((await other.get('/readyz')).body).toEqual({ status: 'ready' })
    expect((await api.get('/readyz')).body).toEqual({ status: 'ready' })
  })
})

describe('/metrics', () => {
  it('tells of queues, workers and requests, under no label that grows with use', async () => {
    const api = await openTestApi()
    const { id } = await api.echo()
    await api.get(`/v1/jobs/${id}`)
    await api.get('/v1/jobs/0198c0de-0000-7000-8000-000000000000')
    await api.get('/no/such/path')
    await api.get('/v1/jobs?label=some:label')
    const answer = await api.get('/metrics')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = answer.body as string
    const { queueDepth, queueOldestAge, deadLetters, workers, httpDuration } = METRICS
    for (const name of [queueDepth, queueOldestAge, deadLetters, workers, httpDuration]) expect(text).toContain(name)
    expect(text).toContain(`${queueDepth}{queue="demo",state="queued"} 1`)
    expect(text).toMatch(/route="\/v1\/jobs\/:id",status_code="404"/)
    const lines = text.split('\n').filter((line) => line.startsWith('foliot_') || line.startsWith('http_'))
    const labels = new Set(lines.flatMap((line) => Array.from(line.matchAll(/(\w+)="/g), ([, name]) => name)))
    expect([...labels].toSorted()).toEqual(['le', 'method', 'queue', 'route', 'state', 'status_code'])
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-|no\/such/)
  })
})

describe('HEAD', () => {
  it('is answered as GET is, without a body', async () => {
    const api = await openTestApi()
    for (const path of ['/healthz', '/v1/queues', '/v1/jobs?limit=1', '/openapi.json', '/metrics']) {
      const answer = await api.send('HEAD', path)
      expect([answer.status, answer.body]).toEqual([200, ''])
    }
    expect((await api.send('HEAD', '/v1/jobs/x')).status).toBe(404)
  })
})
