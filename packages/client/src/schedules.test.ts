import { defineJob } from '@foliot/jobs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createClient, type FoliotClient } from './client.ts'
import { FoliotApiError, FoliotConnectionError } from './errors.ts'
import type { ShownCalendar, ShownSchedule } from './schedule-types.ts'
import { answer, hangUp, job, refuse, type Scene, type SeenRequest, scriptedApi } from './scripted-api.ts'

const report = defineJob({ name: 'reports.nightly', input: z.object({ day: z.string() }) })

const SCHEDULE = { id: 'nightly', tenant: 'acme', revision: 7 } as unknown as ShownSchedule
const CALENDAR = { name: 'holidays', tenant: 'acme', revision: 8 } as unknown as ShownCalendar
const PAGE = { items: [], nextCursor: null }
const PREVIEW = { description: 'every minute', warnings: [], items: [] }
const gone: Scene = (_, response) => void response.writeHead(204).end()
const shortly = ({ method, path, body }: SeenRequest) => [method, path, body]

/** What a promise was rejected with. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`expected a rejection, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )

describe('calls about schedules', () => {
  it('are sent in the words of the contract', async () => {
    const [one, page] = [answer(200, SCHEDULE), answer(200, PAGE)]
    const preview = answer(200, PREVIEW)
    const begun = answer(202, { id: 'o', kind: 'backfill' })
    await using api = await scriptedApi(
      one,
      one,
      page,
      one,
      one,
      answer(202, job('queued')),
      preview,
      page,
      begun,
      gone,
    )
    const { schedules } = createClient({ url: api.url })
    const [from, to] = [new Date(Date.UTC(2027, 0, 1)), '2027-01-02T00:00:00Z']
    const rule = { cron: '30 2 * * *', timezone: 'Europe/Berlin', startAt: from }
    expect(await schedules.put('nightly', { type: report, input: { day: 'x' }, ...rule })).toEqual(SCHEDULE)
    expect(await schedules.get('nightly', { tenant: 'acme' })).toEqual(SCHEDULE)
    expect(await schedules.list({ label: 'team:a&b', paused: false, limit: 2, cursor: undefined })).toEqual(PAGE)
    await schedules.pause(SCHEDULE, { reason: 'a break', until: to })
    await schedules.resume(SCHEDULE, { tenant: 'globex' })
    expect(await schedules.trigger('nightly', { input: null })).toEqual(job('queued'))
    expect(await schedules.preview({ everyMs: 60_000, from, n: 3 })).toEqual(PREVIEW)
    await schedules.ticks('nightly', { from, limit: 5 })
    await schedules.backfill('nightly', { from, to, dryRun: true })
    expect(await schedules.delete('nightly')).toBeUndefined()
    const startAt = '2027-01-01T00:00:00.000Z'
    expect(api.seen.map(shortly)).toEqual([
      ['PUT', '/v1/schedules/nightly', { type: 'reports.nightly', input: { day: 'x' }, ...rule, startAt }],
      ['GET', '/v1/schedules/nightly?tenant=acme', undefined],
      ['GET', '/v1/schedules?label=team%3Aa%26b&paused=false&limit=2', undefined],
      ['POST', '/v1/schedules/nightly/pause?tenant=acme', { reason: 'a break', until: to }],
      ['POST', '/v1/schedules/nightly/resume?tenant=globex', undefined],
      ['POST', '/v1/schedules/nightly/trigger', { input: null }],
      ['POST', '/v1/schedules/preview', { everyMs: 60_000, from: startAt, n: 3 }],
      ['GET', `/v1/schedules/nightly/ticks?limit=5&from=${encodeURIComponent(startAt)}`, undefined],
      ['POST', '/v1/schedules/nightly/backfill', { from: startAt, to, dryRun: true }],
      ['DELETE', '/v1/schedules/nightly', undefined],
    ])
    for (const { headers } of api.seen) expect(headers).not.toHaveProperty('if-match')
  })

  it('know the input of a definition', () => {
    type Put = FoliotClient['schedules']['put']
    const check = (put: Put) => [
      put('a', { type: report, input: { day: 'x' }, everyMs: 1000 }),
      put<typeof report>('a', { type: 'reports.nightly', input: { day: 'x' }, everyMs: 1000 }),
      put('a', { type: 'reports.nightly', input: 5, everyMs: 1000 }),
      // @ts-expect-error: a definition says what its jobs take
      put('a', { type: report, input: { day: 5 }, everyMs: 1000 }),
      // @ts-expect-error: and so it does as a type alone
      put<typeof report>('a', { type: 'reports.nightly', input: 5, everyMs: 1000 }),
    ]
    expectTypeOf(check).returns.toEqualTypeOf<Promise<ShownSchedule>[]>()
  })

  it('name the revision that was read, and are not repeated then if an answer got lost', async () => {
    const conflict = refuse('precondition_failed', 412)
    await using api = await scriptedApi(answer(200, SCHEDULE), conflict, hangUp, gone)
    const { schedules } = createClient({ url: api.url })
    const { revision } = SCHEDULE
    await schedules.put('nightly', { type: report, input: { day: 'x' }, everyMs: 1000 }, { revision })
    expect(await failureOf(schedules.resume(SCHEDULE, { revision }))).toMatchObject({ code: 'precondition_failed' })
    expect(await failureOf(schedules.pause(SCHEDULE, { revision }))).toBeInstanceOf(FoliotConnectionError)
    await schedules.delete(SCHEDULE, { revision })
    expect(api.seen.map(({ headers }) => headers['if-match'])).toEqual(Array(4).fill('"7"'))
    expect(await failureOf(schedules.resume(SCHEDULE, { revision: Number.NaN }))).toBeInstanceOf(TypeError)
    expect(api.seen).toHaveLength(4)
  })

  it('are repeated if their answer got lost; what makes jobs under one key', async () => {
    const [one, made] = [answer(200, SCHEDULE), answer(202, job('queued'))]
    const begun = answer(202, { id: 'o', kind: 'backfill' })
    await using api = await scriptedApi(hangUp, one, hangUp, one, hangUp, made, made, hangUp, begun)
    const { schedules } = createClient({ url: api.url })
    await schedules.put('nightly', { type: 'demo.echo', input: 1, everyMs: 1000 })
    await schedules.pause('nightly')
    await schedules.trigger('nightly')
    await schedules.trigger('nightly', { idempotencyKey: 'über 1' })
    await schedules.backfill('nightly', { from: new Date(0), to: new Date(1) })
    const keys = api.seen.map(({ headers }) => headers['idempotency-key'])
    expect(keys.slice(0, 4)).toEqual(Array(4).fill(undefined))
    expect(keys[4]).toMatch(/^[0-9a-f]{32}$/)
    expect(keys[5]).toBe(keys[4])
    expect(Buffer.from(String(keys[6]), 'latin1').toString()).toBe('über 1')
    expect(keys[7]).toMatch(/^[0-9a-f]{32}$/)
    expect(keys[8]).toBe(keys[7])
  })

  it('take what is gone at a second try to be deleted by the first', async () => {
    await using api = await scriptedApi(hangUp, refuse('not_found', 404), refuse('not_found', 404), answer(200, {}))
    const { schedules } = createClient({ url: api.url })
    await schedules.delete('nightly')
    expect(await failureOf(schedules.delete('nightly'))).toMatchObject({ code: 'not_found' })
    expect(await failureOf(schedules.delete('nightly'))).toMatchObject({ code: 'unreadable_answer' })
    expect(api.seen).toHaveLength(4)
  })

  it('refuse what cannot be sent, without a request', async () => {
    await using api = await scriptedApi()
    const { schedules, calendars } = createClient({ url: api.url })
    for (const id of ['..', 'a/b', '', '?', '%2e', 'x'.repeat(129)]) {
      for (const call of [schedules.get, schedules.delete, schedules.pause, schedules.trigger, schedules.ticks])
        await expect(call(id)).rejects.toThrow(`expected the id of a schedule, got ${JSON.stringify(id)}`)
      await expect(calendars.get(id)).rejects.toThrow('expected the name of a calendar')
    }
    const never = new Date('x')
    await expect(schedules.put('a', { type: 'demo.echo', input: 1, at: never })).rejects.toThrow('expected `at` to be')
    await expect(schedules.put('a', { type: 'demo.echo', input: 1n, everyMs: 1000 })).rejects.toThrow(TypeError)
    await expect(schedules.ticks('a', { from: never })).rejects.toThrow('expected `from` to be a date')
    for (const idempotencyKey of ['', ' a', 'a ', 'a\nb'])
      await expect(schedules.trigger('a', { idempotencyKey })).rejects.toThrow('expected `idempotencyKey` to be text')
    expect(api.seen).toEqual([])
  })

  it.each<[string, Scene]>([
    ['something else', answer(200, { hello: 1 })],
    ['nothing', gone],
  ])('say so if they are answered with %s', async (_, scene) => {
    await using api = await scriptedApi(...Array.from({ length: 6 }, () => scene))
    const { schedules, calendars } = createClient({ url: api.url })
    for (const call of [schedules.get, schedules.ticks, schedules.trigger, calendars.get])
      expect(await failureOf(call('a'))).toMatchObject({ code: 'unreadable_answer' })
    expect(await failureOf(schedules.preview({ everyMs: 1000 }))).toBeInstanceOf(FoliotApiError)
    expect(await failureOf(calendars.list())).toBeInstanceOf(FoliotApiError)
  })
})

describe('calls about calendars', () => {
  it('are sent in the words of the contract', async () => {
    const put = { ...CALENDAR, warnings: [] }
    await using api = await scriptedApi(answer(200, put), answer(200, CALENDAR), answer(200, PAGE), hangUp, gone)
    const { calendars } = createClient({ url: api.url })
    const request = { dates: ['12-25'], windows: [{ days: ['sat', 'sun'] }] } as const
    expect(await calendars.put('holidays', request)).toEqual(put)
    expect(await calendars.get('holidays', { tenant: 'acme' })).toEqual(CALENDAR)
    expect(await calendars.list({ limit: 1, tenant: 'acme' })).toEqual(PAGE)
    await calendars.delete(CALENDAR, { revision: 8 })
    expect(api.seen.map(shortly)).toEqual([
      ['PUT', '/v1/calendars/holidays', request],
      ['GET', '/v1/calendars/holidays?tenant=acme', undefined],
      ['GET', '/v1/calendars?limit=1&tenant=acme', undefined],
      ['DELETE', '/v1/calendars/holidays?tenant=acme', undefined],
      ['DELETE', '/v1/calendars/holidays?tenant=acme', undefined],
    ])
    expect(api.seen.at(-1)?.headers['if-match']).toBe('"8"')
  })
})
