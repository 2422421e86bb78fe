import { openDatabase, recordTicks } from '@foliot/history'
import { type Job, scheduleKey } from '@foliot/jobs'
import { decideTicks, type Operation, slotOf, tickJobId } from '@foliot/queue'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { databaseWithTables } from '../fixtures/access-bed.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const databaseUrl = await databaseWithTables()
const api = await openTestApi({ databaseUrl })

const HOURLY = { type: 'demo.echo', input: { hello: 'world' }, cron: '0 * * * *' }
const HOUR = 3_600_000

let made = 0
const path = (id: string): string => `/v1/schedules/${id}`

async function newSchedule(more: object = {}): Promise<string> {
  const id = `s${++made}`
  const { status, body } = await api.send('PUT', path(id), { ...HOURLY, ...more })
  if (status !== 201) throw new Error(`expected a new schedule, got ${JSON.stringify(body)}`)
  return id
}

const trigger = (id: string, body?: unknown, headers?: Record<string, string>) =>
  api.post(`${path(id)}/trigger`, body, headers)

describe('a trigger', () => {
  it('makes a job as the schedule says, also while it is paused', async () => {
    const jobOptions = { priority: 7, attempts: 3, timeoutMs: 5000, deadlineMs: 60_000 }
    const id = await newSchedule({ labels: { team: 'a' }, jobOptions, paused: true })
    const answer = await trigger(id)
    const job = answer.job(202)
    const { priority, attempts: maxAttempts } = jobOptions
    expect(job).toMatchObject({ type: 'demo.echo', input: HOURLY.input, labels: { team: 'a' }, priority, maxAttempts })
    expect(job).toMatchObject({ scheduleId: id, scheduledFor: job.createdAt, tenant: 'default' })
    expect(Date.parse(job.deadlineAt as string) - Date.parse(job.createdAt)).toBe(60_000)
    expect(answer.headers.get('location')).toBe(`/v1/jobs/${job.id}`)
    expect((await api.get(`/v1/jobs/${job.id}`)).body).toEqual(job)
    expect((await api.get(`/v1/jobs?scheduleId=${id}`)).body.items).toEqual([job])
    const [entry] = (await api.get(`/v1/audit?target=${id}&action=schedule.trigger`)).body.items
    expect(entry).toMatchObject({ outcome: 'ok', after: { jobId: job.id }, target: { tenant: 'default' } })
  })

  it('makes one job for each idempotency key', async () => {
    const [id, other] = [await newSchedule(), await newSchedule()]
    const headers = { 'idempotency-key': 'once' }
    const job = (await trigger(id, undefined, headers)).job(202)
    const again = await trigger(id, undefined, headers)
    expect(again.job(200).id).toBe(job.id)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    ;(await trigger(other, undefined, headers)).problem(422, 'idempotency_key_reused')
    ;(await trigger(id, { input: 2 }, headers)).problem(422, 'idempotency_key_reused')
    ;(await api.post('/v1/jobs', { type: 'demo.echo', input: HOURLY.input, labels: {} }, headers)).problem(
      422,
      'idempotency_key_reused',
    )
    expect((await trigger(id)).job(202).id).not.toBe(job.id)
  })

  it('is the same request after the schedule was edited', async () => {
    const id = await newSchedule()
    const headers = { 'idempotency-key': 'edited' }
    const own = { 'idempotency-key': 'edited, with an input' }
    const job = (await trigger(id, undefined, headers)).job(202)
    const withInput = (await trigger(id, { input: { a: 1, b: 2 } }, own)).job(202)
    const edit = (more: object) => api.send('PUT', path(id), { ...HOURLY, ...more })
    expect((await edit({ labels: { team: 'b' }, input: { other: true }, jobOptions: { priority: 3 } })).status).toBe(
      200,
    )
    expect((await trigger(id, {}, headers)).job(200)).toEqual(job)
    expect((await trigger(id, { input: { b: 2, a: 1 } }, own)).job(200)).toEqual(withInput)
    ;(await trigger(id, { input: HOURLY.input }, headers)).problem(422, 'idempotency_key_reused')
    ;(await trigger(id, { input: { a: 1, b: 3 } }, own)).problem(422, 'idempotency_key_reused')
    expect((await edit({ type: 'demo.sleep', input: { ms: 1 } })).status).toBe(200)
    expect((await trigger(id, null, headers)).job(200)).toEqual(job)
  })

  it('can have an input of its own, which fits the type', async () => {
    const id = await newSchedule({ type: 'demo.sleep', input: { ms: 1 } })
    expect((await trigger(id, { input: { ms: 2 } })).job(202).input).toEqual({ ms: 2 })
    ;(await trigger(id, { input: 'x' })).problem(400, 'validation_failed')
    ;(await trigger(id, { inputs: 1 })).problem(400, 'validation_failed')
  })

  it('is refused for a type that nobody runs, and for no schedule', async () => {
    ;(await trigger(await newSchedule({ type: 'demo.unknown' }))).problem(404, 'unknown_job_type')
    ;(await trigger('nobody')).problem(404, 'not_found')
  })
})

describe('a backfill', () => {
  const RANGE = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', ratePerSecond: 1000 }
  const backfill = (id: string, body: object = RANGE, headers?: Record<string, string>) =>
    api.post(`${path(id)}/backfill`, body, headers)
  const jobsOf = async (id: string): Promise<Job[]> => (await api.get(`/v1/jobs?scheduleId=${id}&limit=200`)).body.items

  function ended(operation: string): Promise<Operation> {
    return waitUntil(async () => {
      const { body } = await api.get(`/v1/operations/${operation}`)
      return body.state === 'running' ? undefined : body
    })
  }

  it('makes a job for each tick of a past range, also of a schedule that is paused', async () => {
    const id = await newSchedule({ paused: true, labels: { a: 'b' } })
    const begun = await backfill(id)
    expect(begun.status).toBe(202)
    expect(begun.headers.get('location')).toBe(`/v1/operations/${begun.body.id}`)
    const last = await ended(begun.body.id)
    expect(last).toMatchObject({ kind: 'backfill', state: 'completed', matched: 24, moved: 24 })
    expect(last.sample[0]).toBe('2026-01-01T00:00:00.000Z')
    const jobs = await jobsOf(id)
    const hours = Array.from({ length: 24 }, (_, hour) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString())
    expect(jobs.map(({ scheduledFor }) => scheduledFor).toSorted()).toEqual(hours)
    expect(jobs[0]).toMatchObject({ type: 'demo.echo', input: HOURLY.input, labels: { a: 'b' }, tenant: 'default' })
    const [entry] = (await api.get(`/v1/audit?target=${id}&action=schedule.backfill`)).body.items
    expect(entry).toMatchObject({ outcome: 'ok', asked: RANGE, after: { operation: begun.body.id } })
  })

  it('only counts in a dry run, with the calendars of the schedule', async () => {
    await api.send('PUT', '/v1/calendars/mornings', { windows: [{ days: ['thu'], from: '06:00', to: '12:00' }] })
    const id = await newSchedule({ calendars: ['mornings'] })
    const last = await ended((await backfill(id, { ...RANGE, dryRun: true })).body.id)
    expect(last).toMatchObject({ state: 'completed', dryRun: true, matched: 18, moved: 0 })
    expect(await jobsOf(id)).toEqual([])
  })

  it('makes no job twice for one idempotency key, nor if its driver is replaced', async () => {
    const id = await newSchedule()
    const headers = { 'idempotency-key': 'again' }
    for (let times = 0; times < 2; times++) {
      expect(await ended((await backfill(id, RANGE, headers)).body.id)).toMatchObject({ moved: 24 })
    }
    expect(await jobsOf(id)).toHaveLength(24)
    await ended((await backfill(id)).body.id)
    expect(await jobsOf(id)).toHaveLength(48)

    // As if the driver had died after a step, before it said so: what it made is made again.
    const other = await newSchedule()
    const { body } = await backfill(other, { ...RANGE, ratePerSecond: 20 })
    await waitUntil(async () => (await jobsOf(other)).length > 2)
    await api.post(`/v1/operations/${body.id}/pause`)
    await api.redis.hdel(`foliot-x:{demo}:op:${body.id}`, 'cursor', 'matched', 'moved')
    await api.post(`/v1/operations/${body.id}/resume`)
    expect(await ended(body.id)).toMatchObject({ state: 'completed', matched: 24, moved: 24 })
    expect(await jobsOf(other)).toHaveLength(24)
  })

  it('waits while the queue is full', async () => {
    const { queued } = (await api.get('/v1/queues/demo')).body.counts
    await api.send('PATCH', '/v1/queues/demo', { limits: { maxDepth: queued + 10 } })
    const id = await newSchedule()
    const { body } = await backfill(id)
    await waitUntil(async () => (await jobsOf(id)).length === 10)
    expect((await api.get(`/v1/operations/${body.id}`)).body).toMatchObject({ state: 'running' })
    await api.send('PATCH', '/v1/queues/demo', { limits: { maxDepth: null } })
    expect(await ended(body.id)).toMatchObject({ state: 'completed', moved: 24 })
    expect(await jobsOf(id)).toHaveLength(24)
  })

  it.each<[string, object, string]>([
    ['an end that is to come', { to: '2199-01-01T00:00:00Z' }, '/to'],
    ['an end before its start', { to: '2025-01-01T00:00:00Z' }, '/to'],
    ['too many ticks', { from: '2010-01-01T00:00:00Z' }, '/to'],
    ['no rate', { ratePerSecond: 0 }, '/ratePerSecond'],
  ])('is refused with %s', async (_, more, wrong) => {
    const { errors } = (await backfill(await newSchedule(), { ...RANGE, ...more })).problem(400, 'validation_failed')
    expect(errors?.map((error) => error.path)).toEqual([wrong])
  })
})

describe('the ticks of a schedule', () => {
  it('are its jobs and what made none, from Redis and the history, the newest first', async () => {
    const [id, other] = [await newSchedule(), await newSchedule()]
    const key = scheduleKey({ tenant: 'default', id })
    const at = { slot: slotOf(key), token: 1, key }
    const now = Date.now()
    const t = (hours: number): number => Math.floor(now / HOUR) * HOUR - hours * HOUR
    const iso = (hours: number): string => new Date(t(hours)).toISOString()
    const fire = (hours: number, latenessMs: number) => ({
      ...at,
      tick: t(hours),
      verb: 'fire' as const,
      overlap: 'allow' as const,
      job: {
        id: tickJobId(key, t(hours)),
        type: 'demo.echo',
        inputText: '1',
        maxAttempts: 1,
        priority: 0,
        envelope: {
          version: 1,
          tenant: 'default',
          labels: {},
          traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-00`,
          schedule: { id, scheduledFor: t(hours), latenessMs },
        },
      },
    })
    const skip = (first: number, last: number, count: number | null, reason: string) =>
      ({ ...at, tick: t(last), verb: 'skip', first: t(first), count, outcome: 'skipped', reason }) as const
    const decide = (decision: ReturnType<typeof fire> | ReturnType<typeof skip>, nowHours: number) =>
      decideTicks(api.redis, 'demo', [decision], { now: t(nowHours), maxDepth: undefined })
    const db = openDatabase({ url: databaseUrl })
    const recorded = {
      tenant: 'default',
      until: t(9),
      count: 1,
      outcome: 'missed',
      decidedAt: t(9),
      reason: 'r',
    } as const
    await recordTicks(db, [
      { ...recorded, scheduleId: id, scheduledFor: t(9) },
      { ...recorded, scheduleId: other, scheduledFor: t(8) },
    ])
    await db.destroy()
    await decide(fire(8, 0), 8)
    await decide(skip(7, 5, 3, 'paused'), 5)
    await decide(fire(4, HOUR), 3)
    await decide(skip(2, 2, 1, 'overlap'), 2)
    const triggered = (await trigger(id)).job(202)

    const fired = { jobStatus: 'queued', outcome: 'fired' }
    const expected = [
      { ...fired, scheduledFor: triggered.scheduledFor, jobId: triggered.id },
      { scheduledFor: iso(2), outcome: 'skipped', reason: 'overlap' },
      { ...fired, scheduledFor: iso(4), outcome: 'late', latenessMs: HOUR, jobId: tickJobId(key, t(4)) },
      { scheduledFor: iso(7), outcome: 'skipped', reason: 'paused', until: iso(5), count: 3 },
      { ...fired, scheduledFor: iso(8), latenessMs: 0, jobId: tickJobId(key, t(8)) },
      { scheduledFor: iso(9), outcome: 'missed', reason: 'r' },
    ]
    const ticks = `${path(id)}/ticks`
    expect((await api.get(ticks)).body).toEqual({ items: expected, nextCursor: null })
    for (const limit of [1, 2, 4]) {
      const seen: unknown[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { items, nextCursor }: { items: unknown[]; nextCursor: string | null } = (
          await api.get(`${ticks}?limit=${limit}${cursor && `&cursor=${cursor}`}`)
        ).body
        expect(items.length).toBeLessThanOrEqual(limit)
        seen.push(...items)
        cursor = nextCursor
      }
      expect(seen).toEqual(expected)
    }
    const part = (await api.get(`${ticks}?from=${iso(6)}&to=${iso(2)}`)).body.items
    expect(part).toEqual(expected.slice(2, 4))
    expect((await api.get(`${path(other)}/ticks`)).body.items).toHaveLength(1)
    ;(await api.get(`${path('nobody')}/ticks`)).problem(404, 'not_found')
  })

  it('are of those that wait for the history the last 1000 of the queue', async () => {
    const [id, other] = [await newSchedule(), await newSchedule()]
    const skip = (of: string, at: number) =>
      ['*', 'k', `default/${of}`, 'from', at, 'to', at, 'n', 1, 'o', 'skipped', 'r', 'paused', 'at', at] as const
    const add = (pipeline: ReturnType<typeof api.redis.pipeline>, of: string, at: number) =>
      pipeline.xadd('foliot-x:{demo}:ticks-unfired', ...skip(of, at))
    const pipeline = add(api.redis.pipeline(), id, HOUR)
    add(pipeline, id, 2 * HOUR)
    for (let i = 0; i < 999; i++) add(pipeline, other, 3 * HOUR)
    await pipeline.exec()
    const { items } = (await api.get(`${path(id)}/ticks`)).body
    expect(items).toEqual([{ scheduledFor: new Date(2 * HOUR).toISOString(), outcome: 'skipped', reason: 'paused' }])
  })
})
