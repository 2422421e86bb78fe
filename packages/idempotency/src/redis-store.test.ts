import { describe, expect, it } from 'vitest'
import { describeRunOnceStore, newRun, started } from './fixtures/contract-suite.ts'
import { openTestRedis } from './fixtures/test-redis.ts'
import { RUN_ONCE_DEFAULTS } from './limits.ts'
import { redisRunOnceStore } from './redis-store.ts'

describeRunOnceStore('redisRunOnceStore, as any RunOnceStore', async () => redisRunOnceStore(await connect()))

let open: ReturnType<typeof openTestRedis> | undefined
async function connect() {
  open ??= openTestRedis()
  return (await open)()
}

describe('redisRunOnceStore', () => {
  it('leaves one hash per run, hashed, with the tenant as its slot, and always with a TTL', async () => {
    const redis = (await openTestRedis())()
    const store = redisRunOnceStore(redis)
    const runs = ['one', 'two'].map((key) => ({ tenant: 'acme} *', key }))
    const tokens = await Promise.all(runs.map(async (run) => (await started(store, run, 'a', 5000)).token))
    const keys = await redis.keys('*')
    expect(keys.map((key) => key.replace(/[\w-]{43}/g, '#'))).toEqual(Array(2).fill('foliot-x:{#}:once:#'))
    expect(new Set(keys.map((key) => key.split(':')[1])).size).toBe(1)

    const ttl = async () => Promise.all(keys.map((key) => redis.pttl(key)))
    const { retentionMs } = RUN_ONCE_DEFAULTS
    for (const ms of await ttl()) expect(ms).toSatisfy(within(retentionMs + 5000))
    await store.complete(runs[0] as (typeof runs)[0], tokens[0] as number, 'x', { retentionMs: 900_000 })
    await store.fail(runs[1] as (typeof runs)[0], tokens[1] as number, 'x', { retentionMs: 900_000 })
    for (const ms of await ttl()) expect(ms).toSatisfy(within(900_000))
    expect(await redis.dbsize()).toBe(2)
  })

  it('keeps a result for the default time unless told otherwise', async () => {
    const redis = (await openTestRedis())()
    const store = redisRunOnceStore(redis)
    const run = newRun()
    await store.complete(run, (await started(store, run)).token, 'x')
    expect(await redis.pttl((await redis.keys('*'))[0] as string)).toSatisfy(within(RUN_ONCE_DEFAULTS.retentionMs))
  })

  it('writes nothing for a get of what is not there', async () => {
    const redis = (await openTestRedis())()
    expect(await redisRunOnceStore(redis).get(newRun())).toBe(undefined)
    expect(await redis.dbsize()).toBe(0)
  })

  it('can be made twice on one connection, and works after Redis has forgotten its scripts', async () => {
    const redis = (await openTestRedis())()
    const run = newRun()
    const { token } = await started(redisRunOnceStore(redis), run)
    await redis.script('FLUSH')
    await redisRunOnceStore(redis).complete(run, token, 1)
    expect(await redisRunOnceStore(redis).get(run)).toMatchObject({ result: 1 })
  })
})

/** A TTL of so many ms, up to a minute ago. */
const within = (ms: number) => (left: number) => left <= ms && left > ms - 60_000
