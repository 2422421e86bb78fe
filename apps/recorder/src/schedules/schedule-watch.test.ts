import { scheduleKey } from '@foliot/jobs'
import { type Finding, holdSlots, leaveSlots, readFindings, slotOf, writeHomes } from '@foliot/queue'
import { waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { CLOSED, MINUTE, openWatchBed, work } from '../fixtures/watch-bed.ts'

const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

it('finds a schedule whose next time lies in the past, and tells when it has recovered', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const schedule = await bed.put('minutely')
  const due = bed.start + MINUTE
  // A tick that is 30 s late may be made up for; a minute later it should have been.
  expect(await bed.findings(due + 90_000 - 10)).toEqual([])
  const [finding, ...others] = await bed.findings(due + 92_000)
  expect(others).toEqual([])
  expect(finding).toEqual({
    kind: 'next_in_past',
    tenant: 'acme',
    scheduleId: 'minutely',
    since: due,
    tick: due,
    reason: expect.stringMatching(
      /^its next time, .*, lies in the past: nobody has fired or skipped it within 90000 ms$/,
    ),
  })
  for (const tick of [due, due + MINUTE]) await bed.decide(schedule, tick)
  expect(await bed.findings(due + 100_000)).toEqual([])
  expect(await bed.events()).toEqual(
    expect.arrayContaining([
      ['schedule_overdue', 'next_in_past', 'minutely'],
      ['schedule_recovered', 'next_in_past', 'minutely'],
    ]),
  )
  const told = bed.lines.filter(({ fields }) => fields.scheduleId === 'minutely')
  const fields = { kind: 'next_in_past', tenant: 'acme', since: new Date(due).toISOString(), why: finding?.reason }
  expect(told).toEqual([
    { level: 'warn', fields: expect.objectContaining(fields), text: `schedule acme/minutely: ${finding?.reason}` },
    { level: 'info', fields: expect.objectContaining(fields), text: expect.stringMatching(/: recovered; /) },
  ])
})

it('takes a tick that was skipped by a policy for no finding, and says when the last job was made', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const [skipped, fired] = [await bed.put('skipped'), await bed.put('fired')]
  const [first, second] = [bed.start + MINUTE, bed.start + 2 * MINUTE]
  await bed.decide(skipped, first, 'skip')
  const id = await bed.decide(fired, first)
  expect(await bed.findings(first + 95_000)).toEqual([])
  const lastRunAt = Number(await bed.redis.hget(`foliot:{demo}:${id}`, 'timestamp'))
  const found = await bed.findings(second + 95_000)
  expect(found.find(({ scheduleId }) => scheduleId === 'fired')).toMatchObject({ since: second, lastRunAt })
  expect(found.find(({ scheduleId }) => scheduleId === 'skipped')).not.toHaveProperty('lastRunAt')
})

it('finds a tick without a job after expectWithinMs: undecided, held back, or with a job that nobody starts', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const expectWithinMs = 10_000
  const schedule = await bed.put('expected', { expectWithinMs, overlap: 'queue_all' })
  const due = bed.start + MINUTE
  expect(await bed.findings(due + 9_000)).toEqual([])
  expect(await bed.findings(due + 12_000)).toMatchObject([{ kind: 'missed', since: due + expectWithinMs }])
  await bed.decide(schedule, due)
  expect(await bed.findings(due + 20_000)).toMatchObject([{ kind: 'late', since: due + expectWithinMs, tick: due }])
  const { started, letGo } = await work(bed)
  await waitUntil(() => started() === 1)
  expect(await bed.findings(due + 30_000)).toEqual([])
  await bed.decide(schedule, due + MINUTE)
  const [held] = await bed.findings(due + MINUTE + 20_000)
  expect(held).toMatchObject({ kind: 'missed', since: due + MINUTE + expectWithinMs })
  expect(held?.reason).toMatch(/it waits for the job of an earlier one to end$/)
  await letGo()
})

it.each(['allow', 'skip'] as const)(
  'finds a job that has not ended within finishWithinMs, with overlap %s',
  async (overlap) => {
    const bed = await openWatchBed()
    await bed.startWatch()
    const finishWithinMs = 10_000
    const schedule = await bed.put('long', { finishWithinMs, overlap })
    const due = bed.start + MINUTE
    const id = await bed.decide(schedule, due)
    const { started, letGo } = await work(bed)
    await waitUntil(() => started() === 1)
    expect(await bed.findings(due + 9_000)).toEqual([])
    const finding = { kind: 'overdue', since: due + finishWithinMs, tick: due, reason: expect.stringContaining(id) }
    expect(await bed.findings(due + 12_000)).toMatchObject([finding])
    // The next tick changes nothing about that: it has a job that ends, or none.
    await bed.decide(schedule, due + MINUTE, 'skip')
    expect(await bed.findings(due + MINUTE + 15_000)).toMatchObject([finding])
    await letGo()
    expect(await bed.findings(due + MINUTE + 25_000)).toEqual([])
  },
)

it('does not take a tick that was skipped for being late for a run: it is missed until one fires again', async () => {
  const bed = await openWatchBed()
  const first = await bed.startWatch()
  const schedule = await bed.put('hourly', { everyMs: HOUR, misfire: 'skip', expectWithinMs: MINUTE })
  const [due, next] = [bed.start + HOUR, bed.start + 2 * HOUR]
  expect(await bed.findings(due + 29_000)).toEqual([])
  // It is late: nobody makes it up any more, whatever comes.
  const missed = [{ kind: 'missed', since: due + 30_000, tick: due }]
  expect(await bed.findings(due + 32_000)).toMatchObject(missed)
  expect(await bed.findings(due + 2 * MINUTE)).toMatchObject(missed)
  await bed.decide(schedule, due, 'skip')
  expect(await bed.findings(due + 3 * MINUTE)).toMatchObject(missed)
  // Nor does another watchdog, or after an edit.
  await first.stop()
  await bed.startWatch()
  expect(await bed.findings(due + 4 * MINUTE)).toMatchObject(missed)
  const edit = { ...schedule, labels: { a: 'b' }, revision: 20, from: due + 4 * MINUTE }
  await bed.put('hourly', edit)
  expect(await bed.findings(due + 5 * MINUTE)).toMatchObject(missed)
  expect((await bed.events()).map(([event]) => event)).not.toContain('schedule_recovered')

  expect(await bed.findings(next)).toMatchObject(missed)
  const id = await bed.decide(schedule, next)
  // It has run already, and is in the history.
  await bed.redis.del(`foliot:{demo}:${id}`)
  expect(await bed.findings(next + 6_000)).toEqual([])
  expect(await bed.events()).toContainEqual(['schedule_recovered', 'missed', 'hourly'])
})

it('takes a run that was expected for missed also if it was skipped for being late before that', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const schedule = await bed.put('nightly', { everyMs: HOUR, misfire: 'skip', expectWithinMs: 10 * MINUTE })
  const due = bed.start + HOUR
  expect(await bed.findings(due + 31_000)).toMatchObject([{ kind: 'missed', tick: due }])
  await bed.decide(schedule, due, 'skip')
  expect(await bed.findings(due + 11 * MINUTE)).toMatchObject([{ kind: 'missed', tick: due }])
  // The job of the next one has not been started, and that is another matter.
  await bed.decide(schedule, due + HOUR)
  expect(await bed.findings(due + HOUR + 5_000)).toEqual([])
})

it('takes a tick that waited for the job of an earlier one for mended once it has its own', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const expectWithinMs = 10_000
  const schedule = await bed.put('patient', { everyMs: HOUR, misfire: 'skip', expectWithinMs, overlap: 'queue_one' })
  const due = bed.start + HOUR
  await bed.decide(schedule, due)
  const { started, letGo } = await work(bed)
  await waitUntil(() => started() === 1)
  await bed.decide(schedule, due + HOUR)
  expect(await bed.findings(due + HOUR + 40 * MINUTE)).toMatchObject([{ kind: 'missed', tick: due + HOUR }])
  await letGo()
  const id = await bed.decide(schedule, due + HOUR, 'release')
  await waitUntil(() => started() === 1)
  await letGo()
  await bed.redis.del(`foliot:{demo}:${id}`)
  expect(await bed.findings(due + HOUR + 41 * MINUTE)).toEqual([])
})

it('is missed as long as ticks wait for the job of an earlier one, also when a later one takes the place of the first', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const schedule = await bed.put('waiting', { expectWithinMs: 30_000, overlap: 'cancel_running' })
  const [first, second, third] = [1, 2, 3].map((n) => bed.start + n * MINUTE) as [number, number, number]
  await bed.decide(schedule, first)
  const { started, letGo } = await work(bed)
  await waitUntil(() => started() === 1)
  await bed.decide(schedule, second)
  const missed = [{ kind: 'missed', since: second + 30_000, tick: second }]
  expect(await bed.findings(second + 35_000)).toMatchObject(missed)
  await bed.decide(schedule, third)
  expect(await bed.findings(third + 5_000)).toMatchObject(missed)
  await letGo()
  await bed.decide(schedule, third, 'release')
  await waitUntil(() => started() === 1)
  expect(await bed.findings(third + 15_000)).toEqual([])
  await letGo()
})

it('is late as long as its job waits, also when later ticks are skipped meanwhile', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const schedule = await bed.put('stuck', { expectWithinMs: 10_000, overlap: 'skip' })
  const due = bed.start + MINUTE
  await bed.decide(schedule, due)
  const late = [{ kind: 'late', since: due + 10_000, tick: due }]
  expect(await bed.findings(due + 12_000)).toMatchObject(late)
  for (const n of [1, 2]) {
    await bed.decide(schedule, due + n * MINUTE)
    expect(await bed.findings(due + n * MINUTE + 15_000)).toMatchObject(late)
  }
  const from = due + 2 * MINUTE + 16_000
  await bed.put('stuck', { ...schedule, labels: { a: 'b' }, from })
  expect(await bed.again()).toMatchObject(late)
  expect((await bed.events()).map(([event]) => event)).not.toContain('schedule_recovered')
  const { started, letGo } = await work(bed)
  await waitUntil(() => started() === 1)
  expect(await bed.findings(due + 2 * MINUTE + 25_000)).toEqual([])
  await letGo()
})

it('is late no more once it has more time', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const schedule = await bed.put('slow', { expectWithinMs: 10_000 })
  const due = bed.start + MINUTE
  await bed.decide(schedule, due)
  expect(await bed.findings(due + 12_000)).toMatchObject([{ kind: 'late', tick: due }])
  await bed.put('slow', { ...schedule, expectWithinMs: MINUTE, from: due + 13_000 })
  expect(await bed.again()).toEqual([])
})

it('counts the time of a job from when its tick was due, where a calendar has moved that', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const planned = bed.start + MINUTE
  const due = Math.floor(planned / DAY) * DAY + DAY
  await bed.close([new Date(planned).toISOString().slice(0, 10)])
  const shifted = {
    everyMs: 7 * DAY,
    anchor: planned,
    startAt: planned,
    calendars: [{ name: 'closed', mode: 'shift' }],
  }
  const schedule = await bed.put('shifted', { ...shifted, finishWithinMs: HOUR, overlap: 'skip' } as never)
  const waiting = await bed.put('waiting', { ...shifted, expectWithinMs: 20 * MINUTE, overlap: 'queue_one' } as never)
  expect(await bed.findings(due)).toEqual([])
  await bed.decide(waiting, planned - 1)
  await bed.decide(waiting, planned)
  await bed.decide(schedule, planned)
  const { started, letGo } = await work(bed)
  await waitUntil(() => started() === 2)
  expect(await bed.findings(due + 10 * MINUTE)).toEqual([])
  const missed = { kind: 'missed', since: due + 20 * MINUTE, tick: planned }
  expect(await bed.findings(due + 21 * MINUTE)).toMatchObject([missed])
  await bed.remove('waiting', due + 22 * MINUTE)
  expect(await bed.findings(due + 61 * MINUTE)).toMatchObject([{ kind: 'overdue', since: due + HOUR, tick: planned }])
  // Of a rule that has no such tick any more it is known when its job was made.
  const edit = { everyMs: 7 * DAY, anchor: planned + MINUTE, overlap: 'skip', from: due + 61 * MINUTE } as const
  await bed.put('shifted', { ...edit, finishWithinMs: HOUR })
  expect(await bed.again()).toMatchObject([{ kind: 'overdue', since: due + HOUR }])
  await bed.put('shifted', { ...edit, finishWithinMs: 2 * HOUR })
  expect(await bed.again()).toEqual([])
  expect(await bed.findings(due + 121 * MINUTE)).toMatchObject([{ kind: 'overdue', since: due + 2 * HOUR }])
  await letGo()
})

it('expects nothing of a schedule that is paused, deleted or over', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const due = bed.start + MINUTE
  const [paused, deleted] = [await bed.put('paused'), await bed.put('deleted')]
  await bed.put('over', { endAt: bed.start + 30_000 })
  await bed.put('until', { paused: true, pausedUntil: bed.start + 10 * MINUTE })
  expect(await bed.findings(due + 95_000)).toHaveLength(2)
  await bed.put('paused', { ...paused, revision: 10, paused: true, from: due + 95_000 })
  await bed.remove('deleted', due + 95_000)
  expect(await bed.again()).toEqual([])
  expect(await bed.findings(bed.start + 10 * MINUTE + 85_000)).toEqual([])
  const found = await bed.findings(bed.start + 10 * MINUTE + 95_000)
  expect(found).toMatchObject([{ scheduleId: 'until', since: bed.start + 10 * MINUTE }])
  expect(deleted.id).toBe('deleted')
})

it('does not take an edit for a run: what was due before it is still missing', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const due = bed.start + MINUTE
  const schedule = await bed.put('edited')
  expect(await bed.findings(due + 95_000)).toHaveLength(1)
  await bed.put('edited', { labels: { a: 'b' }, from: due + 95_000 })
  expect(await bed.again()).toMatchObject([{ since: due }])
  for (const tick of [due, due + MINUTE]) await bed.decide(schedule, tick)
  expect(await bed.findings(due + 101_000)).toEqual([])
})

it('finds that no scheduler is there, as long as there are schedules', async () => {
  const bed = await openWatchBed()
  const silent = async () => (await readFindings(bed.redis)).get('schedulers_silent')
  const first = await bed.startWatch()
  await bed.again()
  await bed.findings(bed.start + 20_000)
  expect(await silent()).toBeUndefined()
  await bed.put('any')
  await bed.findings(bed.start + 25_000)
  const finding = await silent()
  expect(finding).toMatchObject({
    kind: 'schedulers_silent',
    reason: expect.stringContaining('no scheduler was heard of'),
  })
  expect(first.counts?.get('schedulers_silent')).toBe(1)
  // Another watchdog knows since when.
  await first.stop()
  await bed.startWatch()
  await bed.findings(bed.start + 30_000)
  expect(await silent()).toEqual(finding)
  expect((await bed.events()).filter(([, kind]) => kind === 'schedulers_silent')).toHaveLength(1)
  // By its clock the scheduler was heard of later than the clock of this test has come.
  await holdSlots(bed.redis, { scheduler: 's1', ttlMs: 60_000, wanted: [], unwanted: [] })
  await bed.redis.zadd('foliot-x:{schedules}:schedulers', bed.start + 29_000, 's1')
  await bed.again()
  expect(await silent()).toBeUndefined()
  await leaveSlots(bed.redis, 's1', [])
  await bed.findings(bed.start + 45_000)
  expect(await silent()).toMatchObject({ since: bed.start + 29_000 })
})

it('looks into the queue to which the job type of a schedule has moved', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const due = bed.start + MINUTE
  const { tenant, id } = await bed.put('moving')
  const key = scheduleKey({ tenant, id })
  expect(await bed.findings(due)).toEqual([])
  await writeHomes(bed.redis, slotOf(key), new Map([[key, { queue: 'other', since: due }]]))
  expect(await bed.findings(due + 95_000)).toEqual([])
  expect(await bed.findings(due + MINUTE + 95_000)).toMatchObject([{ since: due + MINUTE }])
})

it('looks at a schedule anew when a calendar of it changes', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const days = [0, 1].map((n) => new Date(bed.start + n * 24 * 60 * MINUTE).toISOString().slice(0, 10))
  await bed.close(days)
  await bed.put('held', { calendars: CLOSED })
  expect(await bed.findings(bed.start + 3 * MINUTE)).toEqual([])
  await bed.close([])
  expect(await bed.findings(bed.start + 4 * MINUTE)).toMatchObject([{ since: bed.start + MINUTE }])
})

it('finds a schedule whose rule cannot be followed any more, and ends nothing that is not mended', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  await bed.close([])
  const due = bed.start + MINUTE
  const schedule = await bed.put('closed', { calendars: CLOSED })
  const expected = await bed.put('expected', { calendars: CLOSED, expectWithinMs: 10_000 })
  await bed.put('over', { calendars: CLOSED, endAt: bed.start + 30_000 })
  await bed.put('paused', { calendars: CLOSED, paused: true })
  await bed.decide(expected, due)
  const kinds = (found: Partial<Finding>[]) => found.map(({ kind, scheduleId }) => `${kind} ${scheduleId}`).sort()
  const before = ['late expected', 'next_in_past closed']
  expect(kinds(await bed.findings(due + 59_000))).toEqual(['late expected'])
  await bed.decide(expected, due + MINUTE)
  expect(kinds(await bed.findings(due + 95_000))).toEqual(before)

  await bed.close(undefined)
  const all = ['cannot_be_followed closed', 'cannot_be_followed expected', ...before]
  const found = await bed.again()
  expect(kinds(found)).toEqual(all)
  const gone = found.find(({ kind }) => kind === 'cannot_be_followed')
  expect(gone).toMatchObject({ tenant: 'acme', since: expect.any(Number) })
  expect(gone?.reason).toMatch(/^its rule cannot be followed.* expected `calendars` to name calendars that there are/)
  for (const tick of [due, due + MINUTE]) await bed.decide(schedule, tick)
  expect(kinds(await bed.findings(due + 101_000))).toEqual(all.slice(0, 3))

  await bed.close([])
  await bed.decide(expected, due + 2 * MINUTE)
  expect(kinds(await bed.again())).toEqual(['late expected'])
  const recovered = (await bed.events()).filter(([event]) => event === 'schedule_recovered')
  expect(recovered.map(([, kind, id]) => `${kind} ${id}`).sort()).toEqual([...all.slice(0, 2), 'next_in_past closed'])
})

it('finds a calendar that leaves no time free', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  await bed.close([])
  await bed.put('once', { everyMs: undefined, anchor: undefined, at: bed.start + MINUTE, calendars: CLOSED } as never)
  expect(await bed.again()).toEqual([])
  await bed.close([new Date(bed.start + MINUTE).toISOString().slice(0, 10)])
  expect(await bed.again()).toMatchObject([{ kind: 'cannot_be_followed', reason: expect.stringContaining('"closed"') }])
})
