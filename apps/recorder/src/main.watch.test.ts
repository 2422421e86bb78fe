import { echo } from '@foliot/example-demo/jobs'
import { describeJob, type Schedule, scheduleKey } from '@foliot/jobs'
import {
  announce,
  connectForLoops,
  defineScripts,
  projectSchedules,
  readFindings,
  readUnfiredTicks,
  readWatched,
  sayProjected,
  toFindingEvent,
} from '@foliot/queue'
import { atEndOfFile, startRecorder, startScheduler, type TestApp, testRedisUrl, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { SCHEDULE } from './fixtures/watch-bed.ts'

const LEASE = 'foliot-x:{schedules}:watch'
const EVENTS = 'foliot-x:{schedules}:events'
const NO_POSTGRES = 'postgres://127.0.0.1:1/none'
/** Longer than the lease of one that was killed lasts. */
const PATIENCE = { timeoutMs: 40_000 }

async function openBed() {
  const url = await testRedisUrl()
  const redis = defineScripts(connectForLoops(url))
  atEndOfFile(async () => redis.disconnect())
  let revision = 0
  const project = async (id: string, value: Schedule | undefined, at: number) => {
    await projectSchedules(redis, [{ kind: 'schedule', tenant: SCHEDULE.tenant, id, revision: ++revision, at, value }])
    await sayProjected(redis, revision)
  }
  return {
    url,
    redis,
    /** Due each second. Resolves with the finding that it was missed. */
    async put(id: string, other: Partial<Schedule> = {}): Promise<string> {
      const from = Date.now()
      const value = { ...SCHEDULE, id, everyMs: 1000, expectWithinMs: 500, createdAt: from, from, anchor: from }
      await project(id, { ...value, revision: revision + 1, ...other }, from)
      return `missed ${scheduleKey(value)}`
    },
    remove: (id: string): Promise<void> => project(id, undefined, Date.now()),
  }
}

it('takes the watch over from a recorder that was killed, with what that one had found', async () => {
  const { url, redis, put, remove } = await openBed()
  const env = { FOLIOT_REDIS_URL: url, FOLIOT_DATABASE_URL: NO_POSTGRES }
  const recorders = await Promise.all([startRecorder(env), startRecorder(env)])
  const holder = await waitUntil(() => redis.get(LEASE), { what: 'a recorder that watches' })
  const [watching, standby] = recorders.toSorted(
    (a, b) => Number(nameOf(b) === holder) - Number(nameOf(a) === holder),
  ) as [TestApp, TestApp]
  expect([nameOf(watching), nameOf(standby)]).toEqual([holder, expect.not.stringMatching(holder)])

  const before = await put('before')
  await watching.waitForLine(tells('warn', 'before'))
  expect(linesOf(standby)).toEqual([])
  expect(await (await fetch(`${standby.url}/metrics`)).text()).not.toContain('foliot_schedules_overdue{')

  expect(await watching.kill()).toEqual({ code: null, signal: 'SIGKILL' })
  const { at = 0 } = (await readWatched(redis)) ?? {}
  const after = await put('after')
  await standby.waitForLine(tells('warn', 'after'), PATIENCE)
  await waitUntil(async () => (await redis.get(LEASE)) === nameOf(standby), {
    what: 'the lease of the one that is left',
  })
  expect([...(await readFindings(redis)).keys()]).toEqual(expect.arrayContaining([before, after]))
  await waitUntil(async () => ((await readWatched(redis))?.at ?? 0) > at, {
    what: 'a whole look of the one that is left',
  })

  // What is known already is told once, and its end by whoever watches then.
  await remove('before')
  await standby.waitForLine(tells('info', 'before'), PATIENCE)
  expect(linesOf(standby).filter(tells('warn', 'before'))).toEqual([])
  const entries = await redis.xrange(EVENTS, '-', '+')
  const events = entries.flatMap(([, fields]) => {
    const told = toFindingEvent(toObject(fields))
    return told?.finding.scheduleId === 'before' ? [told.event] : []
  })
  expect(events).toEqual(['schedule_overdue', 'schedule_recovered'])
  const metrics = await (await fetch(`${standby.url}/metrics`)).text()
  expect(metrics).toContain('foliot_schedules_overdue{kind="missed"} 1')
}, 120_000)

it('watches without PostgreSQL, and sees a scheduler die and come again', async () => {
  const { url, redis, put } = await openBed()
  await announce(redis, [{ ...describeJob(echo), queue: 'demo' }])
  const missed = await put('quick', { expectWithinMs: 3000 })
  const late = missed.replace('missed', 'late')
  const has = (field: string, wanted: boolean) =>
    waitUntil(async () => (await readFindings(redis)).has(field) === wanted, {
      timeoutMs: 30_000,
      what: `${field} to be ${wanted ? 'found' : 'mended'}`,
    })
  const recorder = await startRecorder({ FOLIOT_REDIS_URL: url, FOLIOT_DATABASE_URL: NO_POSTGRES })
  await has(missed, true)
  const scheduler = await startScheduler({ FOLIOT_REDIS_URL: url })
  await has(missed, false)
  // No worker is there.
  await has(late, true)
  await scheduler.kill()
  await has('schedulers_silent', true)
  await has(missed, true)
  const metrics = await (await fetch(`${recorder.url}/metrics`)).text()
  expect(metrics).toContain('foliot_schedules_overdue{kind="schedulers_silent"} 1')
  await startScheduler({ FOLIOT_REDIS_URL: url })
  await has('schedulers_silent', false)
  await has(missed, false)
  const told = recorder.lines.map(({ json }) => json).filter((json) => json?.kind === 'schedulers_silent')
  expect(told.map((json) => json?.level)).toEqual(expect.arrayContaining(['warn', 'info']))
}, 90_000)

it('does not take it for a run when a scheduler that is back skips what is late', async () => {
  const { url, redis, put } = await openBed()
  await announce(redis, [{ ...describeJob(echo), queue: 'demo' }])
  await startRecorder({ FOLIOT_REDIS_URL: url, FOLIOT_DATABASE_URL: NO_POSTGRES })
  const anchor = Date.now() + 1000
  const missed = await put('hourly', { everyMs: 3_600_000, anchor, misfire: 'skip', lateAfterMs: 1000 })
  const isFound = async () => (await readFindings(redis)).has(missed)
  await waitUntil(isFound, { ...PATIENCE, what: 'the tick to be missed' })
  await startScheduler({ FOLIOT_REDIS_URL: url })
  const skipped = await waitUntil(async () => (await readUnfiredTicks(redis, 'demo', 1))[0]?.tick, {
    ...PATIENCE,
    what: 'the tick to be skipped',
  })
  expect(skipped).toMatchObject({ scheduledFor: anchor, outcome: 'missed' })
  // What is wrong is looked at every five seconds.
  await waitUntil(async () => ((await readWatched(redis))?.at ?? 0) > skipped.decidedAt + 6000, {
    ...PATIENCE,
    what: 'a look at it after that',
  })
  expect(await isFound()).toBe(true)
}, 90_000)

type Line = TestApp['lines'][number]

const nameOf = ({ lines }: TestApp): unknown => lines.find(({ json }) => json?.msg === 'ready')?.json?.recorder

/** What it says of schedules. */
const linesOf = ({ lines }: TestApp): Line[] => lines.filter(({ json }) => json?.kind === 'missed')

const tells =
  (level: 'warn' | 'info', scheduleId: string) =>
  ({ json }: Line): boolean =>
    json?.level === level && json.kind === 'missed' && json.scheduleId === scheduleId

const toObject = (fields: readonly string[]): Record<string, string> =>
  Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])))
