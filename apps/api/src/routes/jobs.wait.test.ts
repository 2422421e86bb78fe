import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const wait = (id: string, timeoutMs: number | string = 60_000) => api.get(`/v1/jobs/${id}/wait?timeoutMs=${timeoutMs}`)

/** How many connections there are to this test's database. */
async function connections(): Promise<number> {
  const list = (await api.redis.client('LIST')) as string
  return list.split('\n').filter((line) => line.includes(` db=${api.redis.options.db} `)).length
}

/** While nobody waits: the api's and that of the test. Each queue that somebody waits on takes one more. */
const UNWATCHED = 2

const untilConnections = (count: number) =>
  waitUntil(async () => (await connections()) === count, { what: `${count} connections to Redis` })

describe('GET /v1/jobs/{id}/wait', () => {
  // Each answer comes far sooner than the wait's own timeout of 60 s, or the request is given up after 20.
  it('answers when the job has succeeded, failed or was cancelled', async () => {
    await untilConnections(UNWATCHED)
    const [good, other] = [await api.echo(), await api.echo(2, { delayMs: 3_600_000 })]
    const bad = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1, message: 'no luck' } })).job(202)
    const answers = [good, bad, other].map(({ id }) => wait(id))
    await untilConnections(UNWATCHED + 1)
    const consumer = await api.consume(runAsAsked)
    await api.post(`/v1/jobs/${other.id}/cancel`)
    const [succeeded, failed, cancelled] = await Promise.all(answers)
    expect(succeeded?.job(200)).toMatchObject({ status: 'succeeded', output: 1 })
    expect(failed?.job(200)).toMatchObject({ status: 'failed', error: { message: 'no luck' } })
    expect(cancelled?.job(200)).toMatchObject({ status: 'cancelled' })
    await consumer.stop(0)
  })

  it('answers at once for a job that has ended, also with no time at all', async () => {
    const job = await api.echo(1, { delayMs: 3_600_000 })
    await api.post(`/v1/jobs/${job.id}/cancel`)
    expect((await wait(job.id)).job(200).status).toBe('cancelled')
    expect((await wait(job.id, 0)).job(200).status).toBe('cancelled')
    expect((await api.get(`/v1/jobs/${job.id}/wait`)).job(200).status).toBe('cancelled')
  })

  it('answers 202 with the job as it is when the time is over', async () => {
    const job = await api.echo(1, { delayMs: 3_600_000 })
    expect((await wait(job.id, 30)).job(202)).toEqual(job)
    expect((await wait(job.id, 0)).job(202)).toEqual(job)
  })

  it('answers a hundred who wait for one job, over one connection to Redis', async () => {
    await untilConnections(UNWATCHED)
    const job = await api.echo(1, { delayMs: 3_600_000 })
    const answers = Array.from({ length: 100 }, () => wait(job.id))
    await untilConnections(UNWATCHED + 1)
    await api.post(`/v1/jobs/${job.id}/cancel`)
    for (const answer of await Promise.all(answers)) answer.job(200)
  })

  it('forgets callers who went away', async () => {
    await untilConnections(UNWATCHED)
    const job = await api.echo(1, { delayMs: 3_600_000 })
    const leave = new AbortController()
    const asked = Array.from({ length: 20 }, () =>
      fetch(`${api.url}/v1/jobs/${job.id}/wait?timeoutMs=60000`, { signal: leave.signal }),
    )
    await untilConnections(UNWATCHED + 1)
    leave.abort()
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(Array(20).fill('rejected'))
    await untilConnections(UNWATCHED)
  })

  it('waits again for a job that was redriven', async () => {
    const job = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1 } })).job(202)
    let fail = true
    const consumer = await api.consume(async (attempt) =>
      fail ? runAsAsked(attempt) : { kind: 'succeeded', output: '"better"' },
    )
    expect((await wait(job.id)).job(200).status).toBe('failed')
    fail = false
    await api.post(`/v1/jobs/${job.id}/retry`)
    expect((await wait(job.id)).job(200)).toMatchObject({ status: 'succeeded', output: 'better', attempt: 2 })
    await consumer.stop(0)
  })

  it.each(['-1', '60001', 'abc', '1.5', '1e999'])('refuses to wait for %s ms', async (timeoutMs) => {
    const job = await api.echo(1, { delayMs: 3_600_000 })
    const problem = (await wait(job.id, timeoutMs)).problem(400, 'validation_failed')
    expect(problem.errors?.[0]?.path).toBe('/timeoutMs')
  })

  it('refuses an unknown parameter', async () => {
    const job = await api.echo(1, { delayMs: 3_600_000 })
    ;(await api.get(`/v1/jobs/${job.id}/wait?timeout=5`)).problem(400, 'validation_failed')
  })

  it.each(['0198c0de-0000-7000-8000-000000000000', 'x', '%00'])(
    'does not wait for the job %s, which is not there',
    async (id) => {
      ;(await wait(id)).problem(404, 'not_found')
    },
  )
})
