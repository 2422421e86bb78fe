import type { Job } from '@foliot/jobs'
import { startApi, startWorker, testRedisUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { newCaller } from './fixtures/caller.ts'
import { contractOf, type OpenApi } from './fixtures/contract.ts'

const FOLIOT_REDIS_URL = await testRedisUrl()
const [app] = await Promise.all([
  startApi({ FOLIOT_REDIS_URL }),
  startWorker({ FOLIOT_REDIS_URL, FOLIOT_JOBS: '@foliot/example-demo' }),
])
const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as OpenApi
const api = newCaller(app.url, contractOf(document))

const enqueue = async (type: string, input: unknown, more: object = {}): Promise<Job> =>
  (await api.post('/v1/jobs', { type, input, ...more })).job(202)

const ended = async ({ id }: Job): Promise<Job> => (await api.get(`/v1/jobs/${id}/wait`)).job(200)

const read = async ({ id }: Job): Promise<Job> => (await api.get(`/v1/jobs/${id}`)).job(200)

const readWhen = (job: Job, fits: (job: Job) => boolean) =>
  waitUntil(
    async () => {
      const now = await read(job)
      return fits(now) ? now : undefined
    },
    { what: String(fits) },
  )

const events = ({ timeline }: Job): string[] => timeline.map(({ event }) => event)

describe('a job, from the request to its end', () => {
  it.each(
    [
      1,
      null,
      '',
      [],
      {},
      false,
      0,
      1.5,
      5e-324,
      'é😀\u0000\u2028',
      '\ud800',
      [null, { a: [{}] }],
      'x'.repeat(65_534),
    ].map((input) => ({ input })),
  )('gives the input back as its output: $input', async ({ input }) => {
    const job = await ended(await enqueue('demo.echo', input))
    expect(job).toMatchObject({ status: 'succeeded', attempt: 1, attemptsUsed: 0, error: null })
    expect([job.input, job.output]).toEqual([input, input])
    expect(events(job)).toEqual(['created', 'started', 'succeeded'])
  })

  it('waits for its time', async () => {
    const [later, now] = [
      await enqueue('demo.echo', 1, { delayMs: 400 }),
      await enqueue('demo.echo', 1, { runAt: '2020-01-01T00:00:00Z' }),
    ]
    expect([later.status, now.status]).toEqual(['scheduled', 'queued'])
    const [ran, atOnce] = [await ended(later), await ended(now)]
    expect(Date.parse(ran.startedAt as string)).toBeGreaterThanOrEqual(Date.parse(later.runAt as string))
    expect(atOnce.startedAt).toBeDefined()
  })

  it('runs before its time when it is promoted', async () => {
    const job = await enqueue('demo.echo', 1, { delayMs: 3_600_000 })
    ;(await api.post(`/v1/jobs/${job.id}/promote`)).job(200)
    expect(events(await ended(job))).toEqual(['created', 'scheduled', 'promoted', 'started', 'succeeded'])
  })

  it('fails, waits for its retry, and succeeds', async () => {
    const job = await ended(await enqueue('demo.fail', { times: 1, message: 'no luck' }))
    expect(job).toMatchObject({ status: 'succeeded', attempt: 2, attemptsUsed: 1, output: { attempt: 2 }, error: null })
    const attempt = ['started', 'attempt_failed', 'retry_scheduled']
    expect(events(job)).toEqual(['created', ...attempt, 'started', 'succeeded'])
    expect(job.timeline.find(({ event }) => event === 'attempt_failed')?.detail).toContain('no luck')
  })

  it('becomes a dead letter, and succeeds after a redrive', async () => {
    const job = await ended(await enqueue('demo.fail', { times: 1, message: 'no luck' }, { attempts: 1 }))
    expect(job).toMatchObject({ status: 'failed', output: null, error: { name: 'Error', message: 'no luck' } })
    const { body } = await api.get(`/v1/dead-letters?id=${job.id}`)
    expect(body.items).toEqual([job])
    await api.post('/v1/dead-letters/redrive', { filter: { id: job.id } })
    const again = await readWhen(job, ({ status }) => status === 'succeeded')
    expect(again).toMatchObject({ attempt: 2, attemptsUsed: 0, output: { attempt: 2 }, error: null })
    expect(events(again)).toEqual([
      'created',
      'started',
      'attempt_failed',
      'failed',
      'redriven',
      'started',
      'succeeded',
    ])
  })

  it('times out', async () => {
    const job = await ended(await enqueue('demo.sleep', { ms: 3_600_000 }, { timeoutMs: 50, attempts: 1 }))
    expect(job).toMatchObject({ status: 'timed_out', error: { kind: 'timeout' } })
  })

  it('has a deadline, all attempts and waits included', async () => {
    const late = await ended(await enqueue('demo.sleep', { ms: 3_600_000 }, { deadlineMs: 2000 }))
    expect(late).toMatchObject({ status: 'timed_out', attempt: 1, error: { kind: 'deadline' } })
    expect(Date.parse(late.deadlineAt ?? '') - Date.parse(late.createdAt)).toBeGreaterThanOrEqual(2000)
    const bad = { type: 'demo.echo', input: 1, deadlineMs: 1000, delayMs: 2000 }
    ;(await api.post('/v1/jobs', bad)).problem(400, 'validation_failed')
  })

  it('ends when it is cancelled while it runs in another process', async () => {
    const job = await enqueue('demo.sleep', { ms: 3_600_000 })
    await readWhen(job, ({ status }) => status === 'running')
    // As it is by then: it may have ended in the meantime.
    expect(['running', 'cancelled']).toContain((await api.post(`/v1/jobs/${job.id}/cancel`)).job(200).status)
    const over = await ended(job)
    expect(over).toMatchObject({ status: 'cancelled', attempt: 1, attemptsUsed: 0 })
    expect(over.timeline.at(-1)?.detail).toContain('its handler ended when it was told to')
    ;(await api.post(`/v1/jobs/${job.id}/cancel`)).problem(409, 'illegal_transition')
  })

  it('cannot be retried or promoted by hand while it runs', async () => {
    const job = await enqueue('demo.sleep', { ms: 1000 })
    await readWhen(job, ({ status }) => status === 'running')
    for (const verb of ['retry', 'promote']) {
      ;(await api.post(`/v1/jobs/${job.id}/${verb}`)).problem(409, 'illegal_transition')
    }
    expect(await ended(job)).toMatchObject({ status: 'succeeded', attempt: 1 })
  })

  it('shows its progress while it runs, and its log', async () => {
    const job = await enqueue('demo.progress', { steps: 2, stepMs: 500 })
    expect((await readWhen(job, ({ progress }) => progress === 50)).status).toBe('running')
    expect(await ended(job)).toMatchObject({ progress: 100, output: { steps: 2 } })
    const talker = await ended(await enqueue('demo.log', { lines: 3 }))
    const answer = await api.get(`/v1/jobs/${talker.id}/logs`)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.body).toMatch(/^(\S+ INFO line \d of 3\n){3}$/)
    expect((await api.get(`/v1/jobs/${job.id}/logs`)).body).toBe('')
  })

  it('that never started is not run once it is cancelled', async () => {
    await api.post('/v1/queues/demo/pause')
    const job = await enqueue('demo.echo', 1)
    ;(await api.post(`/v1/jobs/${job.id}/cancel`)).job(200)
    await api.post('/v1/queues/demo/resume')
    await ended(await enqueue('demo.echo', 2))
    expect(await read(job)).toMatchObject({ status: 'cancelled', attempt: 0 })
  })
})
