import { connectForRequests, defineScripts, readOperation, untilReady } from '@foliot/queue'
import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { makeDeadLetters } from './fixtures/dead-letters.ts'
import { openTestApi } from './fixtures/test-api.ts'
import { Operations } from './operations.ts'

const api = await openTestApi()

function newOperations(redis = api.redis, warnings: object[] = []): Operations {
  const operations = new Operations(redis, { warn: (fields: object) => void warnings.push(fields) })
  atEndOfFile(() => operations.stop())
  return operations
}

const redriveOf = (queues: string[]) =>
  ({ kind: 'redrive', filter: { queues }, dryRun: false, reason: { by: 'test' }, ratePerSecond: 20 }) as const

it('gives back what it drives when it stops, and another one goes on with it', async () => {
  await makeDeadLetters(api, 20)
  const stopping = newOperations()
  const { operation, finished } = await stopping.begin(redriveOf(['demo']))
  await waitUntil(async () => (await readOperation(api.redis, operation.id)).moved > 0)
  await stopping.stop()
  const left = await finished
  expect(left.state).toBe('running')
  expect(left.moved).toBeLessThan(20)
  // Nobody has to wait until the lease runs out: the api's own driver looks every couple of seconds.
  const last = await waitUntil(async () => {
    const now = await readOperation(api.redis, operation.id)
    return now.state !== 'running' && now
  })
  expect(last).toMatchObject({ state: 'completed', matched: 20, moved: 20 })
})

it('tells of an operation that began here and could not be driven, and why', async () => {
  const { url } = await startRedis()
  const redis = defineScripts(connectForRequests(url))
  atEndOfFile(async () => redis.disconnect())
  await untilReady(redis, 10_000)
  // It may write down what is to be done, and nothing of the queue that it is to be done in.
  await redis.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '+@all', '~foliot-x:{operations}:*')
  await redis.auth('limited', 'secret')

  const warnings: object[] = []
  const { operation, finished } = await newOperations(redis, warnings).begin(redriveOf(['demo']))
  expect(await finished).toEqual(operation)
  const err = expect.objectContaining({ message: expect.stringMatching(/permission/) })
  expect(warnings).toEqual([{ err, operation: operation.id }])
})
