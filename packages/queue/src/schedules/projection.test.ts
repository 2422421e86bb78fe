import type { Schedule, ScheduleChange, StoredCalendar } from '@foliot/jobs'
import { beforeEach, describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { calendarsKey, scheduleChangesKey, scheduleSlotKey } from '../keys.ts'
import {
  awaitChanges,
  changesPosition,
  parseProjected,
  projectedSchedulesRevision,
  projectSchedules,
  readCalendars,
  readProjected,
  readSlot,
  sayProjected,
  settleSchedule,
} from './projection.ts'
import { slotOf } from './slots.ts'

const q = await openTestQueues()
beforeEach(() => q.redis.flushdb())

const KEY = 'acme/nightly'
const stored = (revision: number, from: number): Schedule =>
  ({ id: 'nightly', tenant: 'acme', revision, from, labels: {}, jobOptions: {} }) as Schedule
const changed = (revision: number, at: number, isDeleted = false): ScheduleChange => {
  const value = isDeleted ? undefined : stored(revision, at)
  return { kind: 'schedule', tenant: 'acme', id: 'nightly', revision, at, value }
}
const calendar = (revision: number, value: StoredCalendar | undefined): ScheduleChange => {
  return { kind: 'calendar', tenant: 'acme', id: 'holidays', revision, at: 1, value }
}

const read = async () => {
  const [text] = await readProjected(q.redis, [KEY])
  return text === undefined ? undefined : parseProjected(KEY, text)
}

describe('projectSchedules', () => {
  it('keeps what a schedule was, the oldest first, until its ticks are decided', async () => {
    await projectSchedules(q.redis, [changed(1, 100), changed(2, 200)])
    await projectSchedules(q.redis, [changed(5, 500)])
    expect(await read()).toEqual({
      key: KEY,
      revision: 5,
      current: stored(5, 500),
      earlier: [
        { schedule: stored(1, 100), until: 200 },
        { schedule: stored(2, 200), until: 500 },
      ],
    })
    expect(await settleSchedule(q.redis, KEY, 2)).toBe(false)
    expect(await settleSchedule(q.redis, KEY, 5)).toBe(true)
    expect(await read()).toEqual({ key: KEY, revision: 5, current: stored(5, 500), earlier: [] })
  })

  it('writes nothing that is not newer', async () => {
    await projectSchedules(q.redis, [changed(5, 500)])
    await projectSchedules(q.redis, [changed(4, 400), changed(5, 501)])
    expect(await read()).toMatchObject({ revision: 5, current: { from: 500 }, earlier: [] })
  })

  it('can be mended by an edit when somebody broke it by hand', async () => {
    await projectSchedules(q.redis, [changed(1, 100)])
    await q.redis.hset(scheduleSlotKey(slotOf(KEY)), KEY, '1\n{')
    await expect(read()).rejects.toThrow(SyntaxError)
    await projectSchedules(q.redis, [changed(2, 200)])
    expect(await read()).toEqual({ key: KEY, revision: 2, current: stored(2, 200), earlier: [] })
  })

  it('keeps a bounded number of earlier versions, the latest', async () => {
    for (let i = 1; i <= 30; i++) await projectSchedules(q.redis, [changed(i, i * 100)])
    const { earlier = [] } = (await read()) ?? {}
    expect([earlier.length, earlier[0]?.until, earlier.at(-1)?.until]).toEqual([20, 1100, 3000])
  })

  it('does not revive what was deleted, until it is forgotten', async () => {
    await projectSchedules(q.redis, [changed(1, 100), changed(3, 300, true)])
    expect(await read()).toEqual({
      key: KEY,
      revision: 3,
      current: undefined,
      earlier: [{ schedule: stored(1, 100), until: 300 }],
    })
    await settleSchedule(q.redis, KEY, 3)
    await projectSchedules(q.redis, [changed(2, 200)])
    expect(await read()).toEqual({ key: KEY, revision: 3, current: undefined, earlier: [] })
    expect(await settleSchedule(q.redis, KEY, 3, true)).toBe(true)
    expect(await read()).toBeUndefined()
  })

  it('keeps calendars apart', async () => {
    const value = { name: 'holidays', tenant: 'acme', revision: 2 } as StoredCalendar
    await projectSchedules(q.redis, [calendar(2, value), calendar(1, { ...value, revision: 1 })])
    expect(await readCalendars(q.redis)).toEqual(new Map([['acme/holidays', value]]))
    await projectSchedules(q.redis, [calendar(3, undefined)])
    expect(await readCalendars(q.redis)).toEqual(new Map())
    expect(await q.redis.exists(calendarsKey)).toBe(0)
  })

  it('is found again by slot', async () => {
    await projectSchedules(q.redis, [changed(1, 100)])
    const found: string[] = []
    for await (const page of readSlot(q.redis, slotOf(KEY))) found.push(...page.map(([key]) => key))
    expect(found).toEqual([KEY])
  })
})

describe('awaitChanges', () => {
  it('tells what has changed after a position, also while it waits', async () => {
    const waiter = q.connect()
    const start = await changesPosition(q.redis)
    const waited = awaitChanges(waiter, start, 20_000)
    await projectSchedules(q.redis, [changed(1, 100)])
    const first = await waited
    expect([...first.schedules]).toEqual([KEY])
    await projectSchedules(q.redis, [changed(2, 100), calendar(3, undefined)])
    const second = await awaitChanges(waiter, first.position, 1)
    expect(second).toMatchObject({ isTorn: false, calendars: true, schedules: new Set([KEY]) })
    expect(await changesPosition(q.redis)).toBe(second.position)
    const none = await awaitChanges(waiter, second.position, 1)
    expect(none).toEqual({
      ...{ position: second.position, isTorn: false, isAll: true },
      ...{ calendars: false, schedules: new Set() },
    })
  })

  it('misses none of many, and says when it is so far behind that some may be missing', async () => {
    await projectSchedules(q.redis, [changed(1, 1)])
    const start = await changesPosition(q.redis)
    const changes = Array.from({ length: 5100 }, (_, i) => ({ ...changed(i + 2, 1), id: `s${i}` }))
    expect(await projectSchedules(q.redis, changes)).toBe(5100)
    const first = await awaitChanges(q.redis, start, 1)
    const second = await awaitChanges(q.redis, first.position, 1)
    expect([first.isTorn, second.isTorn, first.isAll, second.isAll]).toEqual([false, false, false, true])
    expect([first.schedules.size, second.schedules.size]).toEqual([5000, 100])
    await q.redis.xtrim(scheduleChangesKey, 'MAXLEN', 5100)
    expect((await awaitChanges(q.redis, start, 1)).isTorn).toBe(true)
  })
})

describe('projectedSchedulesRevision', () => {
  it('is known when it was said, and lost with everything else', async () => {
    expect(await projectedSchedulesRevision(q.redis)).toBeUndefined()
    await sayProjected(q.redis, 7)
    expect(await projectedSchedulesRevision(q.redis)).toBe(7)
    await q.redis.flushdb()
    expect(await projectedSchedulesRevision(q.redis)).toBeUndefined()
  })
})
