import { type Finding, sayWatched, tellFindings } from '@foliot/queue'
import { expect, it } from 'vitest'
import { bearer, openAccessBed, ROOT } from '../fixtures/access-bed.ts'
import { EventReader } from '../fixtures/event-reader.ts'

const api = await openAccessBed()
const ACME = (await api.makeKey({ tenant: 'acme', scopes: ['read'] })).key

const finding = (tenant: string, more: Partial<Finding> = {}): Finding => ({
  kind: 'next_in_past',
  tenant,
  scheduleId: 'nightly',
  since: 1_800_000_000_000,
  tick: 1_800_000_000_000,
  reason: `that of ${tenant}`,
  ...more,
})
const SILENT: Finding = { kind: 'schedulers_silent', since: 1_800_000_000_001, reason: 'nobody is there' }

const raise = (...raised: Finding[]) => tellFindings(api.redis, { raised, recovered: [] })
const recover = (...recovered: Finding[]) => tellFindings(api.redis, { raised: [], recovered })
const watch = async (secret: string, query = '') => (await api.as(secret, 'GET', `/v1/watch${query}`)).body
const follow = (secret: string, query = '', id?: string) =>
  EventReader.open(`${api.url}/v1/events${query}`, {
    ...bearer(secret),
    ...(id !== undefined && { 'last-event-id': id }),
  })

it('says that nobody watches, and then when somebody did', async () => {
  expect(await watch(ROOT)).toEqual({ items: [], nextCursor: null, isComplete: true, watchedAt: null })
  await sayWatched(api.redis, { at: 1_800_000_000_000 })
  expect(await watch(ROOT)).toMatchObject({ watchedAt: '2027-01-15T08:00:00.000Z' })
})

it('lists what is wrong, the oldest first, to each key what concerns it', async () => {
  const late = finding('acme', { kind: 'late', since: 1_700_000_000_000, lastRunAt: 1_600_000_000_000 })
  await raise(finding('acme'), finding('globex'), SILENT, late)
  const { items } = await watch(ROOT)
  expect(items).toHaveLength(4)
  expect(items[0]).toEqual({
    kind: 'late',
    scheduleId: 'nightly',
    tenant: 'acme',
    since: '2023-11-14T22:13:20.000Z',
    reason: 'that of acme',
    lastRunAt: '2020-09-13T12:26:40.000Z',
  })
  const short = ({ items }: { items: Finding[] }) => items.map(({ kind, tenant }) => [kind, tenant])
  const acmes = [
    ['late', 'acme'],
    ['next_in_past', 'acme'],
    ['schedulers_silent', undefined],
  ]
  expect(short(await watch(ACME))).toEqual(acmes)
  expect(short(await watch(ROOT, '?tenant=acme'))).toEqual(acmes)
  expect(short(await watch(ACME, '?tenant=globex'))).toEqual([])
  await recover(finding('acme'), finding('globex'), SILENT, late)
  expect(short(await watch(ROOT))).toEqual([])
})

it('lists page by page, also of one tenant and where many came at the same time', async () => {
  const many = Array.from({ length: 5 }, (_, n) => [
    finding('acme', { scheduleId: `s${n}`, since: 1_700_000_000_000 + (n >> 2) }),
    finding('globex', { scheduleId: `s${n}` }),
  ]).flat()
  await raise(...many, SILENT)
  const pages = async (secret: string, query: string) => {
    const found: string[][] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const body = await watch(secret, `?limit=3${query}${cursor && `&cursor=${cursor}`}`)
      found.push(body.items.map(({ tenant = '', scheduleId = '' }) => `${tenant}/${scheduleId}`))
      cursor = body.nextCursor
    }
    return found
  }
  const acmes = [
    ['acme/s0', 'acme/s1', 'acme/s2'],
    ['acme/s3', 'acme/s4', '/'],
  ]
  expect(await pages(ACME, '')).toEqual(acmes)
  expect(await pages(ROOT, '&tenant=acme')).toEqual(acmes)
  expect((await pages(ROOT, '')).map(({ length }) => length)).toEqual([3, 3, 3, 2])
  // What is mended between two pages moves nothing.
  const { nextCursor } = await watch(ACME, '?limit=2')
  await recover(finding('acme', { scheduleId: 's1', since: 1_700_000_000_000 }))
  const { items } = await watch(ACME, `?limit=2&cursor=${nextCursor}`)
  expect(items.map(({ scheduleId }: Finding) => scheduleId)).toEqual(['s2', 's3'])
  await recover(...many, SILENT)
  for (const query of [`cursor=${nextCursor}&tenant=acme`, 'cursor=abc', 'limit=201'])
    (await api.as(ROOT, 'GET', `/v1/watch?${query}`)).problem(400, 'validation_failed')
})

it('says that there are more than it lists, to each key of what concerns it alone', async () => {
  const isComplete = async (secret: string, query?: string) => (await watch(secret, query)).isComplete
  const all = async () => [await isComplete(ROOT), await isComplete(ACME), await isComplete(ROOT, '?tenant=acme')]
  const say = (unlisted: Record<string, number>) => sayWatched(api.redis, { at: 1_800_000_000_000, unlisted })
  await say({ globex: 3 })
  expect(await all()).toEqual([false, true, true])
  expect(await isComplete(ROOT, '?tenant=globex')).toBe(false)
  // Nor is it told of those of another that it asks for.
  expect(await isComplete(ACME, '?tenant=globex')).toBe(true)
  await say({ globex: 3, acme: 1 })
  expect(await all()).toEqual([false, false, false])
  await say({})
  expect(await all()).toEqual([true, true, true])
})

it('is for keys that may read', async () => {
  const { key } = await api.makeKey({ scopes: ['enqueue'] })
  ;(await api.as(key, 'GET', '/v1/watch')).problem(403, 'forbidden')
  ;(await api.as(ROOT, 'GET', '/v1/watch?colour=red')).problem(400, 'validation_failed')
})

it('tells what comes and goes in the stream of events, to each key what concerns it', async () => {
  const [all, acme, recovered] = [
    await follow(ROOT),
    await follow(ACME),
    await follow(ACME, '?event=schedule_recovered'),
  ]
  await raise(finding('globex'), finding('acme'))
  await recover(finding('globex'), finding('acme'))
  const short = async (reader: EventReader, count: number) =>
    (await reader.take(count)).map(({ event, data }) => [event, JSON.parse(data).tenant])
  expect(await short(all, 4)).toEqual([
    ['schedule_overdue', 'globex'],
    ['schedule_overdue', 'acme'],
    ['schedule_recovered', 'globex'],
    ['schedule_recovered', 'acme'],
  ])
  expect(await short(acme, 2)).toEqual([
    ['schedule_overdue', 'acme'],
    ['schedule_recovered', 'acme'],
  ])
  const [event] = await recovered.take(1)
  expect(JSON.parse(event?.data ?? '')).toEqual({
    kind: 'next_in_past',
    scheduleId: 'nightly',
    tenant: 'acme',
    since: '2027-01-15T08:00:00.000Z',
    reason: 'that of acme',
    at: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  for (const reader of [all, acme, recovered]) reader.close()
})

it('goes on behind the last event, among those of jobs', async () => {
  const reader = await follow(ROOT)
  await raise(finding('one'))
  const [first] = await reader.take(1)
  reader.close()
  await raise(finding('two'))
  const job = await api.as(ROOT, 'POST', '/v1/jobs', { type: 'demo.echo', input: 1 })
  const again = await follow(ROOT, '', first?.id)
  const seen = (await again.take(2)).map(({ data }) => JSON.parse(data))
  expect(seen).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ tenant: 'two' }),
      expect.objectContaining({ jobId: job.body.id }),
    ]),
  )
  again.close()
  // Who asks for jobs alone hears of nothing else.
  const ofJobs = await follow(ROOT, '?queue=demo', 'demo=0-0')
  await raise(finding('three'))
  await api.as(ROOT, 'POST', '/v1/jobs', { type: 'demo.echo', input: 2 })
  expect((await ofJobs.take(2)).map(({ event }) => event)).toEqual(['queued', 'queued'])
  ofJobs.close()
})
