import { readOperation } from '@foliot/queue'
import { createLogger } from '@foliot/telemetry'
import { atEndOfFile, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { makeDeadLetters } from './fixtures/dead-letters.ts'
import { openTestApi } from './fixtures/test-api.ts'
import { Operations } from './operations.ts'

const api = await openTestApi()

function newOperations(): Operations {
  const operations = new Operations(api.redis, createLogger({ app: 'api', level: 'silent' }))
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
