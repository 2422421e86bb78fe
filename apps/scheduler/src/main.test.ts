import type { Schedule } from '@foliot/jobs'
import {
  announce,
  connectForLoops,
  defineScripts,
  projectSchedules,
  readUnfiredTicks,
  sayProjected,
  slotOf,
  tickJobId,
} from '@foliot/queue'
import { nextTick, RuleBook } from '@foliot/schedules'
import { atEndOfFile, startRedis, startScheduler, type TestApp, waitUntil } from '@foliot/testkit'
import { beforeEach, describe, expect, it } from 'vitest'

/** Schedulers as they run, with a Redis of their own that can go away. */

const server = await startRedis()
const redis = defineScripts(connectForLoops(server.url))
redis.on('error', () => undefined)
atEndOfFile(async () => redis.disconnect())

const SECOND = 1000
let revision = 0
let ids = 0
let queue = ''

const announceType = (type = 'test.tick', to = queue) =>
  announce(redis, [
    {
      ...{
        name: type,
        version: 1,
        queue: to,
        description: '',
        inputSchema: {},
        timeoutMs: 1000,
        priority: 0,
        redact: [],
      },
      retry: { attempts: 2 } as never,
    },
  ])

beforeEach(async () => {
  queue = `q${++ids}`
  await announceType()
})

function scheduleOf(id: string, more: Partial<Schedule>): Schedule {
  const now = Date.now()
  return {
    ...{ id, tenant: 'default', revision: ++revision, type: 'test.tick', inputText: '{"n":1}' },
    ...{ everyMs: SECOND, anchor: now, timezone: 'UTC', jitterMs: 0 },
    ...{ misfire: 'fire_all', lateAfterMs: 30_000, maxCatchUp: 100, overlap: 'allow' },
    ...{ paused: false, labels: {}, jobOptions: {}, createdAt: now, updatedAt: now, from: now },
    ...more,
  }
}

async function put(id: string, more: Partial<Schedule> = {}): Promise<Schedule> {
  const value = scheduleOf(id, more)
  await projectSchedules(redis, [{ kind: 'schedule', tenant: 'default', id, revision, at: value.from, value }])
  await sayProjected(redis, revision)
  return value
}

const remove = (id: string) =>
  projectSchedules(redis, [
    { kind: 'schedule', tenant: 'default', id, revision: ++revision, at: Date.now(), value: undefined },
  ])

/** When jobs of a schedule were planned, ascending, of those that wait in the queue. */
async function firedOf(id: string, inQueue = queue): Promise<number[]> {
  const waiting = await redis.lrange(`foliot:{${inQueue}}:wait`, 0, -1)
  const envelopes = await Promise.all(waiting.map((job) => redis.hget(`foliot:{${inQueue}}:${job}`, 'env')))
  return envelopes
    .map((env) => JSON.parse(env ?? '{}').schedule as { id: string; scheduledFor: number })
    .filter((schedule) => schedule.id === id)
    .map(({ scheduledFor }) => scheduledFor)
    .sort((a, b) => a - b)
}

const untilFired = (id: string, count: number, since = 0, inQueue = queue): Promise<number[]> =>
  waitUntil(
    async () => {
      const fired = (await firedOf(id, inQueue)).filter((at) => at > since)
      return fired.length >= count ? fired : undefined
    },
    { what: `${count} jobs of ${id}` },
  )

/** Each tick from the first to the last, once. */
function expectUnbroken(fired: readonly number[]): void {
  const [first = 0] = fired
  expect(fired).toEqual(fired.map((_, i) => first + i * SECOND))
}

const start = (): Promise<TestApp> => startScheduler({ FOLIOT_REDIS_URL: server.url })

describe('the scheduler', () => {
  it('fires each tick once, under the id that follows from it, from the first after a schedule was made', async () => {
    await using _scheduler = await start()
    const { anchor = 0 } = await put('every')
    const fired = await untilFired('every', 3)
    expect(fired[0]).toBe(anchor + SECOND)
    expectUnbroken(fired)
    const [waiting] = await redis.lrange(`foliot:{${queue}}:wait`, -1, -1)
    expect(waiting).toBe(tickJobId('default/every', anchor + SECOND))
    await remove('every')
    // Whoever deletes a schedule leaves nothing of it but the jobs.
    await waitUntil(async () => (await redis.hlen(`foliot-x:{${queue}}:ticks`)) === 0)
    expect(await redis.hexists(`foliot-x:{schedules}:homes:${slotOf('default/every')}`, 'default/every')).toBe(0)
  })

  it('takes over what another one leaves behind that is killed, and loses and doubles nothing', async () => {
    const first = await start()
    const schedules = Array.from({ length: 8 }, (_, i) => `kill-${i}`)
    for (const id of schedules) await put(id)
    for (const id of schedules) await untilFired(id, 1)
    await using _second = await start()
    const third = await start()
    await first.kill()
    await third.stop()
    const killedAt = Date.now()
    for (const id of schedules) {
      await untilFired(id, 2, killedAt)
      expectUnbroken(await firedOf(id))
      await remove(id)
    }
  })

  it('goes by what a schedule is from the moment of the edit on', async () => {
    await using _scheduler = await start()
    await put('edited')
    await untilFired('edited', 2)
    const from = Date.now()
    await put('edited', { everyMs: 60_000, anchor: from - 58_500, from, createdAt: 1 })
    const [next] = await untilFired('edited', 1, from)
    expect(next).toBe(from + 1500)
    await put('edited', { paused: true, pausedReason: 'a test', createdAt: 1 })
    const record = await waitUntil(async () => (await readUnfiredTicks(redis, queue, 1))[0])
    expect(record.tick).toMatchObject({ scheduleId: 'edited', outcome: 'skipped', reason: 'paused: a test' })
    await remove('edited')
  })

  it('decides the last ticks of what a schedule was, also if it was edited while nobody was there', async () => {
    const now = Date.now()
    const made = await put('alone', { anchor: now - 10_000, from: now - 3500, createdAt: now - 3500 })
    await put('alone', {
      ...made,
      revision: revision + 1,
      everyMs: 86_400_000,
      anchor: now + 3_600_000,
      from: now - 1200,
    })
    await using _scheduler = await start()
    expect(await untilFired('alone', 2)).toEqual([now - 3000, now - 2000])
    await waitUntil(async () => {
      const text = await redis.hget(`foliot-x:{schedules}:slot:${slotOf('default/alone')}`, 'default/alone')
      return text?.split('\n').length === 2
    })
    await remove('alone')
  })

  it('fires the others beside a definition that cannot be read', async () => {
    await put('sound')
    const place = `foliot-x:{schedules}:slot:${slotOf('default/sound')}`
    await redis.hset(place, 'default/broken', '1\n{')
    await using scheduler = await start()
    await untilFired('sound', 1)
    const { json } = await scheduler.waitForLine(({ text }) => text.includes('cannot be read from Redis'))
    expect(json).toMatchObject({ schedule: 'default/broken' })
    await redis.hdel(place, 'default/broken')
    await remove('sound')
  })

  it('follows a job type to another queue', async () => {
    await using _scheduler = await start()
    await put('moved')
    const before = await untilFired('moved', 1)
    await announceType('test.tick', `${queue}-new`)
    const after = await untilFired('moved', 2, 0, `${queue}-new`)
    expectUnbroken([...(await firedOf('moved')), ...after])
    expect(before.length).toBeGreaterThan(0)
    await remove('moved')
  })

  it('skips, and says so, while nobody has announced the job type', async () => {
    await using _scheduler = await start()
    // So long ago that a worker that starts would have announced it.
    const from = Date.now() - 20_000
    await put('unknown', { type: `test.later-${ids}`, from, createdAt: from, anchor: from })
    const { tick } = await waitUntil(async () =>
      (await readUnfiredTicks(redis, 'default', 100)).find(({ tick }) => tick.scheduleId === 'unknown'),
    )
    expect(tick).toMatchObject({ outcome: 'skipped', reason: `no worker has announced the job type test.later-${ids}` })
    await announceType(`test.later-${ids}`)
    expectUnbroken(await untilFired('unknown', 2))
    await remove('unknown')
  })

  it('makes up very many ticks at once, each of them once', async () => {
    const from = Date.now() - 60_000
    const made = { from, createdAt: from, anchor: from, lateAfterMs: 600_000, everyMs: 1000 }
    const late = Array.from({ length: 150 }, (_, i) => `late-${i}`)
    for (const id of late) await put(id, made)
    await using _scheduler = await start()
    const fired = await waitUntil(async () => {
      const jobs = await redis.llen(`foliot:{${queue}}:wait`)
      return jobs >= 150 * 60 && (await firedOf('late-149')).length >= 60 ? firedOf('late-0') : undefined
    })
    expectUnbroken(fired)
    expect(fired[0]).toBe(from + SECOND)
    for (const id of late) await remove(id)
  })

  it('waits for a Redis that is away, and makes up what was due', async () => {
    await using scheduler = await start()
    await put('outage')
    const before = await untilFired('outage', 1)
    await server.stop()
    await scheduler.waitForLine(({ text }) => text.includes('Redis'))
    const again = await startRedis({ dir: server.dir, port: server.port })
    atEndOfFile(() => again.stop())
    const last = before.at(-1) as number
    await untilFired('outage', 3, last)
    expectUnbroken(await firedOf('outage'))
    await remove('outage')
  })

  it('reads the schedules anew when Redis has lost them', async () => {
    await using scheduler = await start()
    await put('lost')
    await untilFired('lost', 1)
    await redis.flushall()
    const back = Date.now()
    await put('lost', { anchor: back - 500, from: 1, createdAt: 1 })
    await scheduler.waitForLine(({ text }) => text.includes('has lost the schedules'))
    // A worker does so every ten seconds. What is due meanwhile waits for it.
    await announceType()
    const fired = await untilFired('lost', 2, back)
    expectUnbroken(fired)
    await remove('lost')
  })

  it('fires what waits for its jitter also when Redis has lost that it was planned', async () => {
    const [nominal, from] = [Date.now() - 100_000, Date.now() - 200_000]
    // Its definitions were there before it was planned.
    await redis.set('foliot-x:{schedules}:epoch', from)
    await using scheduler = await start()
    const hourly = { everyMs: 3_600_000, anchor: nominal, jitterMs: 3_000_000, from, createdAt: from }
    const dueOf = (id: string) => nextTick(new RuleBook().compile(scheduleOf(id, hourly)), nominal - 1)?.due ?? 0
    const isSoon = (id: string) => dueOf(id) > Date.now() + 5000 && dueOf(id) < Date.now() + 10_000
    const id = Array.from({ length: 10_000 }, (_, i) => `jitter-${i}`).find(isSoon) as string
    await put('seen')
    await put(id, hourly)
    await untilFired('seen', 1)
    await redis.flushall()
    await put(id, hourly)
    await scheduler.waitForLine(({ text }) => text.includes('has lost the schedules'))
    await announceType()
    expect(await untilFired(id, 1)).toEqual([nominal])
    await remove(id)
  })
})
