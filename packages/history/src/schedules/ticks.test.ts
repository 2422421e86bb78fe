import { expect, it } from 'vitest'
import { DAY_MS } from '../days.ts'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { testTick } from '../fixtures/test-schedules.ts'
import { dropOldTicks, recordTicks, searchTicks } from './ticks.ts'

const { db } = await openTestDatabase()
const of = (scheduleId: string, tenant = 'default') => ({ tenant, scheduleId })

it('keeps what became of ticks, and once', async () => {
  const ticks = [
    testTick({ ...of('kept'), reason: 'paused: “naïve 😀”' }),
    testTick({ ...of('kept'), scheduledFor: 120_000, until: 600_000, count: 9, outcome: 'missed' }),
    testTick({ ...of('kept'), scheduledFor: 700_000, until: 900_000, count: null }),
  ]
  for (let times = 0; times < 3; times++) expect(await recordTicks(db, [...ticks, ...ticks])).toEqual([])
  expect(await searchTicks(db, of('kept'), 10)).toEqual(ticks.toReversed())
  expect(await searchTicks(db, of('kept', 'other'), 10)).toEqual([])
})

it('keeps the later of two decisions, in whatever order they come', async () => {
  const [early, late] = [testTick(of('twice')), testTick({ ...of('twice'), reason: 'later', decidedAt: 70_000 })]
  await recordTicks(db, [late, early])
  await recordTicks(db, [early])
  expect(await searchTicks(db, of('twice'), 10)).toEqual([late])
})

it('keeps the others with one that no table takes, and says which it is', async () => {
  const good = Array.from({ length: 5 }, (_, i) => testTick({ ...of('good'), scheduledFor: i, until: i }))
  const bad = testTick({ ...of('good'), decidedAt: Number.NaN })
  const worse = testTick({ ...of('good'), count: 1.5, scheduledFor: 99 })
  const refused = await recordTicks(db, [...good.slice(0, 2), bad, ...good.slice(2), worse])
  expect(refused).toEqual([
    { item: bad, reason: expect.stringMatching(/time/i) },
    { item: worse, reason: expect.stringMatching(/1\.5/) },
  ])
  expect(await searchTicks(db, of('good'), 10)).toEqual(good.toReversed())
})

it('searches between instants, page by page, with what reaches into them', async () => {
  const ticks = [
    testTick({ ...of('many'), scheduledFor: 1000, until: 1500 }),
    testTick({ ...of('many'), scheduledFor: 2000, until: 5000, count: 4 }),
    testTick({ ...of('many'), scheduledFor: 6000, until: 6000 }),
    testTick({ ...of('many'), scheduledFor: 7000, until: 7000 }),
  ]
  await recordTicks(db, ticks)
  const found = async (search: object, limit = 10) =>
    (await searchTicks(db, { ...of('many'), ...search }, limit)).map(({ scheduledFor }) => scheduledFor)
  expect(await found({}, 2)).toEqual([7000, 6000])
  expect(await found({ before: 6000 }, 2)).toEqual([2000, 1000])
  expect(await found({ from: 4000 })).toEqual([7000, 6000, 2000])
  expect(await found({ from: 5001 })).toEqual([7000, 6000])
  expect(await found({ from: 6000, to: 7000 })).toEqual([6000])
  expect(await found({ from: 1700, to: 1800 })).toEqual([])
  expect(await found({ from: 0, to: 1001 })).toEqual([1000])
})

it('drops what was decided long ago', async () => {
  const now = Date.UTC(2026, 5)
  const many = Array.from({ length: 2_500 }, (_, i) =>
    testTick({ ...of('old'), scheduledFor: i, until: i, decidedAt: now - 31 * DAY_MS }),
  )
  await dropOldTicks(db, { now, keepDays: 30 })
  await recordTicks(db, [
    ...many,
    testTick({ ...of('old'), scheduledFor: 5000, until: 5000, decidedAt: now - 29 * DAY_MS }),
  ])
  expect(await dropOldTicks(db, { now, keepDays: 30 })).toBe(2_500)
  expect(await searchTicks(db, of('old'), 10)).toHaveLength(1)
  await expect(dropOldTicks(db, { now, keepDays: 0 })).rejects.toThrow(RangeError)
})
