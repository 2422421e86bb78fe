import { type Finding, readFindings, readWatched, SLOTS, slotOf } from '@foliot/queue'
import { startRedis, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { MINUTE, openWatchBed } from '../fixtures/watch-bed.ts'

it('is done by one of several; another goes on when that stops, and nothing is told twice', async () => {
  const bed = await openWatchBed()
  const first = await bed.startWatch()
  const second = await bed.startWatch()
  const due = bed.start + MINUTE
  await bed.put('minutely')
  expect(await bed.findings(due + 95_000)).toHaveLength(1)
  const watching = [first, second].filter(({ counts }) => counts !== undefined)
  expect(watching).toHaveLength(1)
  await watching[0]?.stop()
  const other = watching[0] === first ? second : first
  await waitUntil(() => other.counts !== undefined)
  expect(await bed.findings(due + 105_000)).toHaveLength(1)
  expect(other.counts?.get('next_in_past')).toBe(1)
  expect((await bed.events()).filter(([, kind]) => kind === 'next_in_past')).toHaveLength(1)
  expect(bed.lines.filter(({ fields }) => fields.kind === 'next_in_past')).toHaveLength(1)
})

it('lists so many of each tenant at most, so that none fills the list for the others', async () => {
  const bed = await openWatchBed()
  const watch = await bed.startWatch({ mostListedOfTenant: 5 })
  const many = await Promise.all(Array.from({ length: 8 }, (_, n) => bed.put(`s${n}`)))
  await bed.put('other', { tenant: 'globex' })
  const count = (found: Partial<Finding>[], of: string) => found.filter(({ tenant }) => tenant === of).length
  const found = await bed.findings(bed.start + MINUTE + 95_000)
  expect([count(found, 'acme'), count(found, 'globex')]).toEqual([5, 1])
  expect((await readWatched(bed.redis))?.unlisted).toEqual({ acme: 3 })
  expect(watch.counts?.get('next_in_past')).toBe(9)
  // What is mended makes room.
  for (const schedule of many) {
    if (!found.some(({ scheduleId }) => scheduleId === schedule.id)) continue
    for (const n of [1, 2]) await bed.decide(schedule, bed.start + n * MINUTE)
  }
  await bed.findings(bed.start + MINUTE + 101_000)
  expect(count(await bed.findings(bed.start + MINUTE + 107_000), 'acme')).toBe(3)
  expect(await readWatched(bed.redis)).not.toHaveProperty('unlisted')
})

it('does not read everything again and again when that goes wrong, nor says that it had looked', async () => {
  // One of its own: its commands are counted.
  const bed = await openWatchBed((await startRedis()).url)
  await bed.put('good')
  await bed.redis.set(`foliot-x:{schedules}:slot:${(slotOf('acme/good') + 1) % SLOTS}`, 'no hash')
  await bed.startWatch({ readAllEveryMs: 60_000 })
  await waitUntil(() => bed.lines.some(({ level }) => level === 'error'))
  const calls = async (command: string): Promise<number> => {
    const stats = await bed.redis.info('commandstats')
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }
  const [reads, rounds] = [await calls('hscan'), await calls('get')]
  await waitUntil(async () => (await calls('get')) >= rounds + 10, { what: 'ten more rounds' })
  expect(reads).toBeGreaterThan(0)
  expect(await calls('hscan')).toBe(reads)
  expect(await readWatched(bed.redis)).toBeUndefined()
})

it('says which definition it cannot read, and watches the others', async () => {
  const bed = await openWatchBed()
  await bed.put('good')
  await bed.redis.hset(`foliot-x:{schedules}:slot:${slotOf('acme/bad')}`, 'acme/bad', '1\nnot JSON')
  await bed.startWatch()
  expect(await bed.findings(bed.start + MINUTE + 95_000)).toMatchObject([{ scheduleId: 'good' }])
  expect(bed.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { schedule: 'acme/bad' } }])
})

it('does not take what was wrong with a schedule for mended when somebody breaks its definition', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  await bed.put('nightly')
  const due = bed.start + MINUTE
  expect(await bed.findings(due + 95_000)).toMatchObject([{ scheduleId: 'nightly' }])
  const slot = slotOf('acme/nightly')
  await bed.redis.hset(`foliot-x:{schedules}:slot:${slot}`, 'acme/nightly', '1\nnot JSON')
  await bed.redis.xadd('foliot-x:{schedules}:changes', '*', 's', slot, 'k', 'acme/nightly')
  await waitUntil(() => bed.lines.some(({ level }) => level === 'error'))
  expect(await bed.findings(due + 101_000)).toMatchObject([{ scheduleId: 'nightly' }])
})

it('lists so many at most, and says how many more there are', async () => {
  const bed = await openWatchBed()
  const watch = await bed.startWatch({ mostListed: 30 })
  for (let n = 0; n < 50; n++) await bed.put(`s${n}`)
  const found = await bed.findings(bed.start + MINUTE + 95_000)
  expect(found).toHaveLength(29)
  expect((await readWatched(bed.redis))?.unlisted).toEqual({ acme: 21 })
  expect(watch.counts?.get('next_in_past')).toBe(50)
  // Twenty lines, that there is no scheduler among them, and one for the rest.
  expect(bed.lines.filter(({ fields }) => fields.kind !== undefined)).toHaveLength(20)
  expect(bed.lines.filter(({ fields }) => fields.more !== undefined)).toMatchObject([{ fields: { more: 10 } }])
})

it('begins anew when Redis has lost everything', async () => {
  const bed = await openWatchBed()
  await bed.startWatch()
  const due = bed.start + MINUTE
  await bed.put('minutely')
  expect(await bed.findings(due + 95_000)).toHaveLength(1)
  await bed.redis.flushdb()
  await bed.put('other', { revision: 1 })
  await waitUntil(async () => (await readFindings(bed.redis)).has('next_in_past acme/other'), {
    timeoutMs: 30_000,
    what: 'what is wrong with the schedule that is there now',
  })
  expect([...(await readFindings(bed.redis)).keys()]).not.toContain('next_in_past acme/minutely')
})

it('goes on when Redis is back, with what it had found', async () => {
  const server = await startRedis()
  const bed = await openWatchBed(server.url)
  await bed.startWatch()
  const due = bed.start + MINUTE
  const schedule = await bed.put('minutely')
  expect(await bed.findings(due + 95_000)).toHaveLength(1)
  await server.kill()
  await startRedis({ dir: server.dir, port: server.port })
  expect(await bed.findings(due + 101_000)).toHaveLength(1)
  for (const tick of [due, due + MINUTE]) await bed.decide(schedule, tick)
  expect(await bed.findings(due + 107_000)).toEqual([])
  expect(bed.lines.filter(({ level }) => level === 'error')).toEqual([])
})
