import { sayRecording } from '@foliot/queue'
import { waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { openTestApi } from './fixtures/test-api.ts'

const api = await openTestApi({ backlogMaxJobs: 3 })
const { completed } = { completed: 'foliot:{demo}:completed' }
const status = async (): Promise<number> =>
  (await api.post('/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 3_600_000 })).status

it('takes no more jobs in while too many wait for the history, each of a batch as well, until they were taken', async () => {
  await api.redis.zadd(completed, ...Array.from({ length: 4 }, (_, i) => [i, `id-${i}`]).flat())
  // Nothing waits for a history that there is not.
  expect(await status()).toBe(202)
  await sayRecording(api.redis)
  await waitUntil(async () => (await status()) === 429, { timeoutMs: 20_000 })
  const answer = await api.post('/v1/jobs', { type: 'demo.echo', input: 1 })
  expect(answer.problem(429, 'backpressure').detail).toBe(
    'expected at most 3 finished jobs that wait for the history, found 4',
  )
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  const { body } = await api.post('/v1/jobs/batch', { jobs: [{ type: 'demo.echo', input: 1 }] })
  expect(body.results).toMatchObject([{ status: 429, error: { code: 'backpressure' } }])
  await api.redis.zrem(completed, 'id-0')
  await waitUntil(async () => (await status()) === 202, { timeoutMs: 20_000 })
})
