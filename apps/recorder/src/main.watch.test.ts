import { scheduleKey } from '@foliot/jobs'
import {
  connectForLoops,
  defineScripts,
  projectSchedules,
  readFindings,
  readWatched,
  sayProjected,
  toFindingEvent,
} from '@foliot/queue'
import { atEndOfFile, startRecorder, type TestApp, testRedisUrl, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'

const LEASE = 'foliot-x:{schedules}:watch'
const EVENTS = 'foliot-x:{schedules}:events'
/** Longer than the lease of one that was killed lasts. */
const PATIENCE = { timeoutMs: 40_000 }

it('takes the watch over from a recorder that was killed, with what that one had found', async () => {
  const url = await testRedisUrl()
  const redis = defineScripts(connectForLoops(url))
  atEndOfFile(async () => redis.disconnect())
  let revision = 0
  /** Due each second, and no scheduler is there. @param isThere false: it is deleted */
  const put = async (id: string, isThere = true) => {
    const [tenant, at] = ['acme', Date.now()]
    const value = { ...SCHEDULE, tenant, id, revision: ++revision, createdAt: at, updatedAt: at, from: at, anchor: at }
    const change = { kind: 'schedule', tenant, id, revision, at, value: isThere ? value : undefined } as const
    await projectSchedules(redis, [change])
    await sayProjected(redis, revision)
    return `missed ${scheduleKey(value)}`
  }
  const env = { FOLIOT_REDIS_URL: url, FOLIOT_DATABASE_URL: 'postgres://127.0.0.1:1/none' }
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
  await put('before', false)
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

const SCHEDULE = {
  type: 'demo.echo',
  inputText: '1',
  everyMs: 1000,
  expectWithinMs: 500,
  timezone: 'UTC',
  jitterMs: 0,
  misfire: 'fire_once',
  lateAfterMs: 30_000,
  maxCatchUp: 100,
  overlap: 'allow',
  paused: false,
  labels: {},
  jobOptions: {},
} as const
