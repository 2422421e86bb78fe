/** What several apis, and deaths of an api or of Redis, make of requests to enqueue. */
import { demoJobs } from '@foliot/example-demo/jobs'
import { describeJob } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { newCaller } from './fixtures/caller.ts'
import { contractOf, type OpenApi } from './fixtures/contract.ts'

/** A Redis of its own, with the demo's job types announced. */
async function openBed() {
  const server = await startRedis()
  const redis = defineScripts(connectForLoops(server.url))
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  await announce(
    redis,
    demoJobs.map((job) => describeJob(job)),
  )
  const openApi = async () => {
    const app = await startApi({ FOLIOT_REDIS_URL: server.url })
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as OpenApi
    const api = newCaller(app.url, contractOf(document))
    await waitUntil(async () => (await api.get('/readyz')).status === 200)
    return { app, api }
  }
  return { server, redis, openApi }
}

type Bed = Awaited<ReturnType<typeof openBed>>
type Api = Awaited<ReturnType<Bed['openApi']>>['api']

const ECHO = { type: 'demo.echo', input: 1 }

const CALLERS = 50
/** So many jobs are stored before something is killed. */
const STORED = 200

/** What each idempotency record and each waiting job says of the other: the ids that both name, and those that one does. */
async function comparePairs({ redis }: Bed) {
  const [records, waiting] = await Promise.all([
    redis.keys('foliot-x:{demo}:idem:*'),
    redis.lrange('foliot:{demo}:wait', 0, -1),
  ])
  const claimed = await Promise.all(records.map((record) => redis.hget(record, 'id')))
  const stored = await Promise.all(waiting.map((id) => redis.exists(`foliot:{demo}:${id}`)))
  return { claimed: claimed.toSorted(), waiting: waiting.toSorted(), stored: stored.every((there) => there === 1) }
}

describe.concurrent('requests with idempotency keys', () => {
  it.each(['api', 'Redis'])(
    'leave no claim without its job, and no job without its claim, when %s is killed',
    async (who) => {
      const bed = await openBed()
      const { app, api } = await bed.openApi()
      const keys: string[] = []
      const ids = new Map<string, string>()
      const enough = Promise.withResolvers<void>()
      const send = async (key: string, to: Api): Promise<number> => {
        const { status, body } = await to.post('/v1/jobs', ECHO, { 'idempotency-key': key })
        if (status === 202 || status === 200) {
          // Whoever was told an id is told the same for ever.
          expect(body.id).toBe(ids.get(key) ?? body.id)
          ids.set(key, body.id)
        }
        if (ids.size >= STORED) enough.resolve()
        return status
      }
      /** Sends one request after the other until one fails. */
      const call = async (caller: number): Promise<void> => {
        for (let n = 0, status = 202; status === 202; n++) {
          const key = `${caller}-${n}`
          keys.push(key)
          status = await send(key, api).catch(() => 0)
        }
      }
      const calls = Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)))
      await enough.promise
      await (who === 'api' ? app : bed.server).kill()
      await calls
      if (who === 'Redis') await startRedis({ dir: bed.server.dir, port: bed.server.port })
      await waitUntil(() => bed.redis.ping())

      const after = await comparePairs(bed)
      expect(after.claimed).toEqual(after.waiting)
      expect(after.stored).toBe(true)
      expect(after.waiting).toEqual(expect.arrayContaining([...ids.values()]))

      const { api: next } = await bed.openApi()
      const statuses = await Promise.all(keys.map((key) => send(key, next)))
      expect(statuses.filter((status) => status === 200)).toHaveLength(after.waiting.length)
      expect(statuses.filter((status) => status === 202)).toHaveLength(keys.length - after.waiting.length)
      expect((await comparePairs(bed)).waiting).toEqual([...ids.values()].toSorted())
    },
  )

  it('make one job, however many there are at however many apis', async () => {
    const bed = await openBed()
    const apis = await Promise.all([bed.openApi(), bed.openApi()])
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => apis[n % 2]?.api.post('/v1/jobs', ECHO, { 'idempotency-key': 'one' })),
    )
    expect(answers.filter((answer) => answer?.status === 202)).toHaveLength(1)
    expect(answers.filter((answer) => answer?.status === 200)).toHaveLength(99)
    expect((await comparePairs(bed)).waiting).toHaveLength(1)
  })
})

describe('a depth limit', () => {
  it('that one api was told soon holds at every other', async () => {
    const bed = await openBed()
    const [one, other] = await Promise.all([bed.openApi(), bed.openApi()])
    const limit = (maxDepth: number | null) => one.api.send('PATCH', '/v1/queues/demo', { maxDepth })
    const status = async () => (await other.api.post('/v1/jobs', ECHO)).status
    expect(await status()).toBe(202)
    await limit(1)
    await waitUntil(async () => (await status()) === 429)
    await limit(null)
    await waitUntil(async () => (await status()) === 202)
  })
})
