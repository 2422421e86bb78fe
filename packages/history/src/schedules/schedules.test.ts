import { FoliotError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { testCalendar, testSchedule } from '../fixtures/test-schedules.ts'
import { putCalendar } from './calendars.ts'
import { listSchedules, readSchedule } from './find-schedules.ts'
import { readSchedulesRevision } from './schedule-changes.ts'
import { changeSchedules, deleteSchedule, putSchedule } from './schedules.ts'

const { db } = await openTestDatabase()
const put = (tenant: string, id: string, other: Parameters<typeof testSchedule>[0] = {}) =>
  putSchedule(db, { tenant, id }, () => testSchedule(other))
const idsOf = (schedules: readonly { id: string }[]) => schedules.map(({ id }) => id)

describe('putSchedule', () => {
  it('makes one and changes it, under revisions that rise', async () => {
    const ref = { tenant: 'acme', id: 'nightly' }
    const made = await put('acme', 'nightly', { labels: { a: 'b' }, inputText: '{"b":1.0,"a":"\\u0000"}' })
    const { after } = made
    expect(made).toEqual({
      after: testSchedule({
        ...ref,
        labels: { a: 'b' },
        inputText: '{"b":1.0,"a":"\\u0000"}',
        revision: after?.revision ?? 0,
      }),
      change: { kind: 'schedule', ...ref, revision: after?.revision, at: 2000, value: after },
    })
    const changed = await putSchedule(db, ref, (before, revision) => {
      expect(before).toEqual(after)
      expect(revision).toBeGreaterThan(after?.revision as number)
      return before && { ...before, cron: '0 * * * *', updatedAt: 3000, from: 3000 }
    })
    expect(changed).toMatchObject({ before: after, after: { cron: '0 * * * *' }, change: { at: 3000 } })
    expect(await readSchedule(db, ref)).toEqual(changed.after)
    expect(await readSchedulesRevision(db)).toBe(changed.after?.revision)
  })

  it('leaves it as it is, and the revision too, if nothing is to be other or it is refused', async () => {
    const { after } = await put('acme', 'same')
    const revision = await readSchedulesRevision(db)
    const ref = { tenant: 'acme', id: 'same' }
    expect(await putSchedule(db, ref, () => undefined)).toEqual({ before: after, after })
    expect(await putSchedule(db, { tenant: 'acme', id: 'nobody' }, () => undefined)).toEqual({})
    const refused = putSchedule(db, ref, () => {
      throw new FoliotError('precondition_failed', 'no')
    })
    await expect(refused).rejects.toThrow('no')
    expect(await readSchedulesRevision(db)).toBe(revision)
    expect(await readSchedule(db, ref)).toEqual(after)
  })

  it('keeps tenants apart', async () => {
    await put('t1', 'shared', { cron: '1 * * * *' })
    await put('t2', 'shared', { cron: '2 * * * *' })
    expect(await readSchedule(db, { tenant: 't1', id: 'shared' })).toMatchObject({ tenant: 't1', cron: '1 * * * *' })
    expect(await readSchedule(db, { tenant: 't3', id: 'shared' })).toBeUndefined()
  })

  it('loses no change of those that are made at once, and gives each another revision', async () => {
    const ref = { tenant: 'acme', id: 'busy' }
    const all = await Promise.all(
      Array.from({ length: 20 }, () =>
        putSchedule(db, ref, (before) => testSchedule({ maxCatchUp: (before?.maxCatchUp ?? 0) + 1 })),
      ),
    )
    expect(await readSchedule(db, ref)).toMatchObject({ maxCatchUp: 20 })
    const inOrder = all.map(({ after }) => after).sort((a, b) => (a?.revision ?? 0) - (b?.revision ?? 0))
    expect(inOrder.map((after) => after?.maxCatchUp)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(new Set(inOrder.map((after) => after?.revision)).size).toBe(20)
  })

  it('refuses a calendar that there is not, of this tenant', async () => {
    await putCalendar(db, { tenant: 'c1', name: 'holidays' }, () => testCalendar())
    const calendars = [{ name: 'holidays', mode: 'exclude' as const }]
    expect((await put('c1', 'uses', { calendars })).after).toMatchObject({ calendars })
    await expect(put('c2', 'uses', { calendars })).rejects.toMatchObject({
      code: 'validation_failed',
      message: '`calendars`: expected calendars of tenant c2, got holidays',
    })
    expect(await readSchedule(db, { tenant: 'c2', id: 'uses' })).toBeUndefined()
  })
})

describe('deleteSchedule', () => {
  it('deletes it, if the check lets it, and one of that id can be made anew', async () => {
    const ref = { tenant: 'acme', id: 'gone' }
    const { after } = await put('acme', 'gone', { labels: { a: 'b' } })
    const refused = deleteSchedule(db, ref, () => {
      throw new FoliotError('precondition_failed', 'no')
    })
    await expect(refused).rejects.toThrow('no')
    const { before, change } = await deleteSchedule(db, ref, () => undefined, 5000)
    expect(before).toEqual(after)
    expect(change).toEqual({ kind: 'schedule', ...ref, revision: change?.revision, at: 5000, value: undefined })
    expect(change?.revision).toBeGreaterThan(after?.revision as number)
    expect(await readSchedule(db, ref)).toBeUndefined()
    expect((await listSchedules(db, { tenant: 'acme' }, 100)).schedules.map(({ id }) => id)).not.toContain('gone')
    expect(await deleteSchedule(db, ref)).toEqual({})
    const again = await putSchedule(db, ref, (earlier) => {
      expect(earlier).toBeUndefined()
      return testSchedule({ createdAt: 7000 })
    })
    expect(await readSchedule(db, ref)).toEqual(again.after)
  })

  it('ends its ticks no earlier than they began', async () => {
    await put('acme', 'ahead', { from: 9000 })
    const { change } = await deleteSchedule(db, { tenant: 'acme', id: 'ahead' }, () => undefined, 5000)
    expect(change?.at).toBe(9000)
  })
})

describe('listSchedules', () => {
  it('lists by tenant and id, page by page', async () => {
    for (const [tenant, id] of [
      ['l2', 'a'],
      ['l1', 'b'],
      ['l1', 'B'],
      ['l1', 'a'],
    ] as const)
      await put(tenant, id)
    const first = await listSchedules(db, {}, 3, { tenant: 'l', id: '' })
    expect([idsOf(first.schedules), first.more]).toEqual([['B', 'a', 'b'], true])
    const second = await listSchedules(db, { type: 'demo.echo' }, 1, { tenant: 'l1', id: 'b' })
    expect(second.schedules).toMatchObject([{ tenant: 'l2', id: 'a' }])
    expect(await listSchedules(db, { tenant: 'l1' }, 3)).toMatchObject({ more: false })
  })

  it.each([
    ['a type', { type: 'mail.send' }, ['typed']],
    ['labels, all of them', { labels: { team: 'a', 'k\u0000': '\ud800' } }, ['labelled']],
    ['labels that none has', { labels: { team: 'b' } }, []],
    ['a pause', { paused: true }, ['paused', 'paused-yet']],
    ['no pause', { paused: false }, ['labelled', 'resumed', 'typed', 'with-calendar']],
    ['a calendar', { calendar: 'days' }, ['with-calendar']],
    ['text that no column takes', { type: '\u0000', calendar: "'; drop table foliot.schedules; --" }, []],
  ])('finds by %s', async (_, filter, ids) => {
    const tenant = 'found'
    await putCalendar(db, { tenant, name: 'days' }, (before) => (before ? undefined : testCalendar()))
    await put(tenant, 'typed', { type: 'mail.send' })
    await put(tenant, 'labelled', { labels: { team: 'a', 'k\u0000': '\ud800', more: '1' } })
    await put(tenant, 'paused', { paused: true })
    await put(tenant, 'paused-yet', { paused: true, pausedUntil: Date.UTC(2199, 0) })
    await put(tenant, 'resumed', { paused: true, pausedUntil: 1000 })
    await put(tenant, 'with-calendar', { calendars: [{ name: 'days', mode: 'shift' }] })
    expect(idsOf((await listSchedules(db, { tenant, ...filter }, 100)).schedules)).toEqual(ids)
  })

  it('gives labels back as they were given', async () => {
    const labels = { 'k\u0000': '\ud800' }
    await put('acme', 'odd', { labels })
    expect((await readSchedule(db, { tenant: 'acme', id: 'odd' }))?.labels).toEqual(labels)
  })
})

describe('changeSchedules', () => {
  it('changes all that fit, each with its own revision, and leaves the others', async () => {
    for (const id of ['a', 'b', 'c']) await put('bulk', id, { labels: { team: 'a' } })
    await put('bulk', 'other')
    const { changed, changes } = await changeSchedules(db, { tenant: 'bulk', labels: { team: 'a' } }, (before) =>
      before.id === 'b' ? undefined : { ...before, paused: true, updatedAt: 8000 },
    )
    expect(changed).toMatchObject([
      { id: 'a', paused: true },
      { id: 'c', paused: true },
    ])
    expect(changes).toEqual(
      changed.map((value) => ({
        kind: 'schedule',
        tenant: 'bulk',
        id: value.id,
        revision: value.revision,
        at: 8000,
        value,
      })),
    )
    expect(changed[1]?.revision).toBe((changed[0]?.revision ?? 0) + 1)
    expect(await readSchedulesRevision(db)).toBe(changed[1]?.revision)
    expect(idsOf((await listSchedules(db, { tenant: 'bulk', paused: true }, 10)).schedules)).toEqual(['a', 'c'])
    const revision = await readSchedulesRevision(db)
    const unchanged = { changed: [], changes: [], last: undefined }
    expect(await changeSchedules(db, { tenant: 'bulk' }, () => undefined)).toEqual(unchanged)
    expect(await readSchedulesRevision(db)).toBe(revision)
  })

  it('changes none if one is refused', async () => {
    for (const id of ['a', 'b']) await put('half', id)
    const refused = changeSchedules(db, { tenant: 'half' }, (before) => {
      if (before.id === 'b') throw new FoliotError('conflict', 'not b')
      return { ...before, paused: true }
    })
    await expect(refused).rejects.toThrow('not b')
    expect((await listSchedules(db, { tenant: 'half', paused: true }, 10)).schedules).toEqual([])
  })
})
