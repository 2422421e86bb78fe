import { demoJobs } from '@foliot/example-demo/jobs'
import { describeJob, type Job } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { newCaller } from './fixtures/caller.ts'
import { contractOf, type OpenApi } from './fixtures/contract.ts'
import { dead } from './fixtures/runs.ts'
import { openTestApi } from './fixtures/test-api.ts'

const api = await openTestApi()

const ended = async ({ id }: Job): Promise<Job> => (await api.get(`/v1/jobs/${id}/wait?timeoutMs=60000`)).job(200)

const events = ({ timeline }: Job): string[] => timeline.map(({ event }) => event)

describe('a job whose deadline passes while it waits', () => {
  // Each answer comes far sooner than the wait's own timeout of 60 s, or the request is given up after 20.
  it('has timed out in a queue that is paused, and whoever waits for it is told', async () => {
    await api.post('/v1/queues/demo/pause')
    await api.consume(async () => dead())
    const [soon, later, inTime] = [
      await api.echo(1, { deadlineMs: 1 }),
      await api.echo(2, { deadlineMs: 700, delayMs: 600 }),
      await api.echo(3, { deadlineMs: 3_600_000 }),
    ]
    for (const job of await Promise.all([ended(soon), ended(later)])) {
      expect(job).toMatchObject({ status: 'timed_out', attempt: 0, error: { kind: 'deadline', name: 'TimeoutError' } })
      expect(events(job).at(-1)).toBe('timed_out')
      expect(Date.parse(job.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(job.deadlineAt ?? ''))
    }
    expect((await api.get(`/v1/jobs/${inTime.id}`)).job(200)).toEqual(inTime)
    const { body } = await api.get('/v1/dead-letters?errorKind=deadline')
    expect(body.items.map(({ id }: Job) => id).sort()).toEqual([soon.id, later.id].sort())
  })

  it('has its whole time again when it is redriven', async () => {
    await api.post('/v1/queues/demo/pause')
    const first = await ended(await api.echo(1, { deadlineMs: 300 }))
    const from = Date.now()
    const redriven = (await api.post(`/v1/jobs/${first.id}/retry`)).job(200)
    expect(redriven).toMatchObject({ status: 'queued', error: null })
    const begunAt = Date.parse(redriven.deadlineAt ?? '') - 300
    expect(begunAt).toBeGreaterThanOrEqual(from)
    expect(begunAt).toBeLessThanOrEqual(Date.now())
    const again = await ended(redriven)
    expect(again).toMatchObject({ status: 'timed_out', deadlineAt: redriven.deadlineAt })
    expect(events(again)).toEqual(['created', 'timed_out', 'redriven', 'timed_out'])
  })
})

it('several apis without any worker end such jobs, each job once', async () => {
  const FOLIOT_REDIS_URL = await testRedisUrl()
  const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
  atEndOfFile(async () => redis.disconnect())
  await announce(redis, demoJobs.map(describeJob))
  const [one, other] = await Promise.all([startApi({ FOLIOT_REDIS_URL }), startApi({ FOLIOT_REDIS_URL })])
  const document = (await (await fetch(`${one.url}/openapi.json`)).json()) as OpenApi
  const [a, b] = [one, other].map(({ url }) => newCaller(url, contractOf(document))) as [typeof api, typeof api]

  const jobs = Array.from({ length: 150 }, (_, input) => ({ type: 'demo.echo', input, deadlineMs: 1 }))
  const { body } = await a.post('/v1/jobs/batch', { jobs })
  const last = (await b.get(`/v1/jobs/${body.results.at(-1).job.id}/wait?timeoutMs=60000`)).job(200)
  expect(last.status).toBe('timed_out')
  for (const { job } of body.results) {
    const found = (await b.get(`/v1/jobs/${job.id}/wait?timeoutMs=60000`)).job(200)
    expect(events(found)).toEqual(['created', 'timed_out'])
  }
  expect((await a.get('/v1/queues/demo')).body.counts).toMatchObject({ queued: 0, failed: 150 })
})
