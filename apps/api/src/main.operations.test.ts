import { demoJobs } from '@foliot/example-demo/jobs'
import { describeJob, type Job } from '@foliot/jobs'
import { announce, Consumer, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, testRedisUrl, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { databaseWithTables } from './fixtures/access-bed.ts'
import { newCaller } from './fixtures/caller.ts'
import { contractOf, type OpenApi } from './fixtures/contract.ts'
import { dead } from './fixtures/runs.ts'

const FOLIOT_REDIS_URL = await testRedisUrl()
const FOLIOT_DATABASE_URL = await databaseWithTables()
const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
atEndOfFile(async () => redis.disconnect())
await announce(redis, demoJobs.map(describeJob))

/** An api of its own process, and a way to ask it. */
async function start() {
  const app = await startApi({ FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL })
  const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as OpenApi
  return { app, api: newCaller(app.url, contractOf(document)) }
}

/** At the rate below they take 3 s, as many ticks as well: the process that sees to them is killed within that. */
const COUNT = 150
const [first, second] = await Promise.all([start(), start()])

/** The ids of this many dead letters. */
async function makeDeadLetters(): Promise<string[]> {
  const jobs = Array.from({ length: COUNT }, (_, input) => ({ type: 'demo.echo', input }))
  const { body } = await first.api.post('/v1/jobs/batch', { jobs })
  const consumer = new Consumer({
    queue: 'demo',
    concurrency: 20,
    worker: 'w1',
    redis,
    run: async () => dead(),
    onError: () => undefined,
  })
  await consumer.start()
  await waitUntil(async () => (await first.api.get('/v1/queues/demo')).body.counts.failed === COUNT)
  await consumer.stop(0)
  return body.results.map(({ job }: { job: Job }) => job.id)
}

/** As many ticks at the same rate. */
async function beginBackfill(): Promise<string> {
  await first.api.send('PUT', '/v1/schedules/hourly', { type: 'demo.echo', input: 1, cron: '0 * * * *' })
  const from = Date.UTC(2026, 0, 1)
  const range = { from: new Date(from).toISOString(), to: new Date(from + COUNT * 3_600_000).toISOString() }
  const { body } = await first.api.post('/v1/schedules/hourly/backfill', { ...range, ratePerSecond: 50 })
  return body.id
}

it('operations whose process is killed go on in another one, and no job is lost, moved, made or counted twice', async () => {
  const ids = await makeDeadLetters()
  const backfill = await beginBackfill()
  const { body } = await first.api.post('/v1/dead-letters/redrive', { filter: {}, ratePerSecond: 50 })
  const read = async (api = first.api, id = body.id) => (await api.get(`/v1/operations/${id}`)).body
  await waitUntil(async () => (await read()).moved > 20)
  const before = await read(second.api)
  expect(before).toMatchObject({ state: 'running' })
  await first.app.kill()

  const last = await waitUntil(
    async () => {
      const [operation, other] = [await read(second.api), await read(second.api, backfill)]
      return operation.state !== 'running' && other.state !== 'running' && operation
    },
    { timeoutMs: 25_000 },
  )
  expect(before.moved).toBeLessThan(COUNT)
  expect(last).toMatchObject({ state: 'completed', matched: COUNT, moved: COUNT })
  const { counts } = (await second.api.get('/v1/queues/demo')).body
  expect(counts).toMatchObject({ failed: 0, queued: 2 * COUNT })
  expect(await read(second.api, backfill)).toMatchObject({ state: 'completed', matched: COUNT, moved: COUNT })
  for (const id of ids) {
    const job = (await second.api.get(`/v1/jobs/${id}`)).job(200)
    expect(job.timeline.filter(({ event }) => event === 'redriven')).toHaveLength(1)
  }
})
