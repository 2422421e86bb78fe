import { echo } from '@foliot/example-demo/jobs'
import { describeJob, type Schedule, scheduleKey } from '@foliot/jobs'
import {
  announce,
  Consumer,
  connectForLoops,
  decideTicks,
  defineScripts,
  type Finding,
  holdSlots,
  leaveSlots,
  projectSchedules,
  readFindings,
  readWatched,
  SLOTS,
  sayProjected,
  slotOf,
  type TickDecision,
  tickJobId,
  toFindingEvent,
  writeHomes,
} from '@foliot/queue'
import { atEndOfFile, startApp, startRecorder, startRedis, testRedisUrl, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { ScheduleWatch, type ScheduleWatchOptions } from './schedule-watch.ts'

const MINUTE = 60_000
const QUEUE = 'demo'

interface Line {
  level: 'info' | 'warn' | 'error'
  fields: { kind?: string; scheduleId?: string; tenant?: string; since?: string; why?: string; more?: number }
  text: string
}

interface Bed {
  redis: ReturnType<typeof defineScripts>
  /** What its clock showed when it was opened: ticks of `schedule` are whole minutes from there. */
  start: number
  lines: Line[]
  startWatch(options?: Partial<ScheduleWatchOptions>): Promise<ScheduleWatch>
  /** Puts the clock forward, and resolves with what is wrong then, apart from the schedulers. */
  findings(atMs: number): Promise<Partial<Finding>[]>
  /** The same, once another look is over. */
  again(): Promise<Partial<Finding>[]>
  put(id: string, other?: Partial<Schedule>): Promise<Schedule>
  /** The calendar `closed`, which holds some dates. */
  close(dates: string[] | undefined): Promise<void>
  remove(id: string, revision: number): Promise<void>
  /** Decides a tick, as a scheduler does; without a verb it fires. */
  decide(schedule: Schedule, tick: number, verb?: 'skip'): Promise<string>
  events(): Promise<[event: string, kind: string, scheduleId: string | undefined][]>
}

async function openBed(ownUrl?: string): Promise<Bed> {
  const url = ownUrl ?? (await testRedisUrl())
  const redis = defineScripts(connectForLoops(url))
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  const start = Date.now()
  const lines: Line[] = []
  let clock = start
  let revision = 0
  let watches = 0
  const to =
    (level: Line['level']) =>
    (...[fields, text]: unknown[]): void =>
      void lines.push({ level, fields: fields as Line['fields'], text: text as string })
  const log = { info: to('info'), warn: to('warn'), error: to('error') } as unknown as ScheduleWatchOptions['log']

  async function again() {
    // Two: the one under way may have begun before.
    for (let n = 0; n < 2; n++) {
      clock += 1
      await waitUntil(async () => (await readWatched(redis))?.at === clock, { what: 'a look at all schedules' })
    }
    return [...(await readFindings(redis)).values()].filter(({ kind }) => kind !== 'schedulers_silent')
  }

  return {
    redis,
    start,
    lines,
    async startWatch(options = {}) {
      const listening = connectForLoops(url)
      listening.on('error', () => undefined)
      const recorder = `r${++watches}`
      const now = async () => clock
      const watch = new ScheduleWatch({
        redis,
        listening,
        recorder,
        log,
        now,
        roundMs: 20,
        readAllEveryMs: 500,
        ...options,
      })
      atEndOfFile(() => watch.stop())
      await watch.start()
      return watch
    },
    findings(atMs) {
      clock = Math.max(clock, atMs)
      return again()
    },
    again,
    async put(id, other = {}) {
      const schedule = { ...SCHEDULE, id, anchor: start, createdAt: start, from: start, revision: ++revision, ...other }
      const { tenant } = schedule
      await projectSchedules(redis, [{ kind: 'schedule', tenant, id, revision, at: schedule.from, value: schedule }])
      await sayProjected(redis, revision)
      const key = scheduleKey(schedule)
      await writeHomes(redis, slotOf(key), new Map([[key, { queue: QUEUE, since: 0 }]]))
      return schedule
    },
    async close(dates) {
      const at = { revision: ++revision, timezone: 'UTC', windows: [], createdAt: 0, updatedAt: 0 }
      const value = dates && { name: 'closed', tenant: 'acme', dates, ...at }
      await projectSchedules(redis, [{ kind: 'calendar', tenant: 'acme', id: 'closed', revision, at: 0, value }])
    },
    async remove(id, at) {
      const change = {
        kind: 'schedule',
        tenant: SCHEDULE.tenant,
        id,
        revision: ++revision,
        at,
        value: undefined,
      } as const
      await projectSchedules(redis, [change])
    },
    async decide(schedule, tick, verb) {
      const key = scheduleKey(schedule)
      const id = tickJobId(key, tick)
      const envelope = { version: 1, tenant: schedule.tenant, labels: {}, traceparent: '' }
      const job = { id, type: schedule.type, inputText: '1', maxAttempts: 1, priority: 0, envelope }
      const of = { slot: slotOf(key), token: 1, key, tick }
      const decision: TickDecision =
        verb === 'skip'
          ? { ...of, verb, first: tick, count: 1, outcome: 'skipped', reason: 'a test' }
          : { ...of, verb: 'fire', overlap: schedule.overlap, job }
      await decideTicks(redis, QUEUE, [decision], { now: Date.now(), maxDepth: undefined })
      return id
    },
    async events() {
      const entries = await redis.xrange('foliot-x:{schedules}:events', '-', '+')
      return entries.flatMap(([, [, event = '', , f = '']]) => {
        const told = toFindingEvent({ event, f })
        return told ? [[told.event, told.finding.kind, told.finding.scheduleId] as const] : []
      }) as [string, string, string | undefined][]
    },
  }
}

const CLOSED = [{ name: 'closed', mode: 'exclude' }] as const

const SCHEDULE: Schedule = {
  id: '',
  tenant: 'acme',
  revision: 0,
  type: 'demo.echo',
  inputText: '1',
  everyMs: MINUTE,
  timezone: 'UTC',
  jitterMs: 0,
  misfire: 'fire_once',
  lateAfterMs: 30_000,
  maxCatchUp: 100,
  overlap: 'allow',
  paused: false,
  labels: {},
  jobOptions: {},
  createdAt: 0,
  updatedAt: 0,
  from: 0,
}

/** Takes the jobs there are; each ends when it is let go. */
async function work({ redis }: Bed): Promise<{ started: () => number; letGo: () => Promise<void> }> {
  const open: (() => void)[] = []
  const consumer = new Consumer({
    queue: QUEUE,
    concurrency: 10,
    worker: 'w1',
    redis,
    keepsFinished: () => true,
    run: async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      open.push(resolve)
      await promise
      return { kind: 'succeeded', output: '1' }
    },
    onError: () => undefined,
  })
  atEndOfFile(() => consumer.stop(0))
  await consumer.start()
  return {
    started: () => open.length,
    async letGo() {
      for (const resolve of open.splice(0)) resolve()
      await waitUntil(async () => (await redis.llen('foliot:{demo}:active')) === 0)
    },
  }
}

it('finds a schedule whose next time lies in the past, and tells when it has recovered', async () => {
  const bed = await openBed()
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
  const bed = await openBed()
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
  const bed = await openBed()
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
    const bed = await openBed()
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

it('expects nothing of a schedule that is paused, deleted or over', async () => {
  const bed = await openBed()
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
  const bed = await openBed()
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
  const bed = await openBed()
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

it('is done by one of several; another goes on when that stops, and nothing is told twice', async () => {
  const bed = await openBed()
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

it('looks into the queue to which the job type of a schedule has moved', async () => {
  const bed = await openBed()
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
  const bed = await openBed()
  await bed.startWatch()
  const days = [0, 1].map((n) => new Date(bed.start + n * 24 * 60 * MINUTE).toISOString().slice(0, 10))
  await bed.close(days)
  await bed.put('held', { calendars: CLOSED })
  expect(await bed.findings(bed.start + 3 * MINUTE)).toEqual([])
  await bed.close([])
  expect(await bed.findings(bed.start + 4 * MINUTE)).toMatchObject([{ since: bed.start + MINUTE }])
})

it('finds a schedule whose rule cannot be followed any more, and ends nothing that is not mended', async () => {
  const bed = await openBed()
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
  const bed = await openBed()
  await bed.startWatch()
  await bed.close([])
  await bed.put('once', { everyMs: undefined, anchor: undefined, at: bed.start + MINUTE, calendars: CLOSED } as never)
  expect(await bed.again()).toEqual([])
  await bed.close([new Date(bed.start + MINUTE).toISOString().slice(0, 10)])
  expect(await bed.again()).toMatchObject([{ kind: 'cannot_be_followed', reason: expect.stringContaining('"closed"') }])
})

it('lists so many of each tenant at most, so that none fills the list for the others', async () => {
  const bed = await openBed()
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
  const bed = await openBed((await startRedis()).url)
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
  const bed = await openBed()
  await bed.put('good')
  await bed.redis.hset(`foliot-x:{schedules}:slot:${slotOf('acme/bad')}`, 'acme/bad', '1\nnot JSON')
  await bed.startWatch()
  expect(await bed.findings(bed.start + MINUTE + 95_000)).toMatchObject([{ scheduleId: 'good' }])
  expect(bed.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { schedule: 'acme/bad' } }])
})

it('does not take what was wrong with a schedule for mended when somebody breaks its definition', async () => {
  const bed = await openBed()
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
  const bed = await openBed()
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
  const bed = await openBed()
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
  const bed = await openBed(server.url)
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

it('watches in a real recorder without PostgreSQL, and sees a real scheduler die and come again', async () => {
  const url = await testRedisUrl()
  const redis = defineScripts(connectForLoops(url))
  atEndOfFile(async () => redis.disconnect())
  await announce(redis, [{ ...describeJob(echo), queue: QUEUE }])
  const from = Date.now()
  const value = {
    ...SCHEDULE,
    id: 'quick',
    type: echo.name,
    everyMs: 1000,
    expectWithinMs: 3000,
    createdAt: from,
    from,
  }
  await projectSchedules(redis, [{ kind: 'schedule', tenant: 'acme', id: 'quick', revision: 1, at: from, value }])
  await sayProjected(redis, 1)
  const has = (field: string, wanted: boolean) =>
    waitUntil(async () => (await readFindings(redis)).has(field) === wanted, {
      timeoutMs: 30_000,
      what: `${field} to be ${wanted ? 'found' : 'mended'}`,
    })
  const env = { FOLIOT_REDIS_URL: url }
  const recorder = await startRecorder({ ...env, FOLIOT_DATABASE_URL: 'postgres://127.0.0.1:1/none' })
  await has('missed acme/quick', true)
  const scheduler = await startApp('apps/scheduler/src/main.ts', env)
  await has('missed acme/quick', false)
  // No worker is there.
  await has('late acme/quick', true)
  await scheduler.kill()
  await has('schedulers_silent', true)
  await has('missed acme/quick', true)
  const metrics = await (await fetch(`${recorder.url}/metrics`)).text()
  expect(metrics).toContain('foliot_schedules_overdue{kind="schedulers_silent"} 1')
  await startApp('apps/scheduler/src/main.ts', env)
  await has('schedulers_silent', false)
  await has('missed acme/quick', false)
  const told = recorder.lines.map(({ json }) => json).filter((json) => json?.kind === 'schedulers_silent')
  expect(told.map((json) => json?.level)).toEqual(expect.arrayContaining(['warn', 'info']))
}, 90_000)
