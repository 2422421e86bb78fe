import { startRedis, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { openTestApi } from './fixtures/test-api.ts'

// Of its own, because what is counted here is counted for a whole server.
const server = await startRedis()
const api = await openTestApi({ redisUrl: server.url })

const wait = (id: string, timeoutMs: number) => api.get(`/v1/jobs/${id}/wait?timeoutMs=${timeoutMs}`)

/** How often jobs were read so far. */
async function reads(): Promise<number> {
  const stats = await api.redis.info('commandstats')
  return Number(/^cmdstat_hgetall:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
}

/** A job that somebody waits for, and an event that says it has ended though it has not. */
async function falselyTold(timeoutMs: number) {
  const job = await api.echo(1, { delayMs: 3_600_000 })
  const answer = wait(job.id, timeoutMs)
  await waitUntil(async () => ((await api.redis.client('LIST')) as string).includes('cmd=xread'))
  await api.redis.xadd(`foliot:{demo}:events`, '*', 'event', 'completed', 'jobId', job.id)
  return { job, answer }
}

it('does not ask Redis again and again after news that was none', async () => {
  const before = await reads()
  const { job, answer } = await falselyTold(1000)
  expect((await answer).job(202).id).toBe(job.id)
  expect((await reads()) - before).toBeLessThan(10)
})

it('still hears of the end after news that was none', async () => {
  const { job, answer } = await falselyTold(60_000)
  await api.post(`/v1/jobs/${job.id}/cancel`)
  expect((await answer).job(200).status).toBe('cancelled')
})
