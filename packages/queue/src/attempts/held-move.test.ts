import type { Job } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { startTcpProxy } from '../fixtures/tcp-proxy.ts'
import { dead, openTestQueues, retry } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import { pauseQueue } from '../queues/queues.ts'
import { SCRIPTS } from '../redis/scripts.ts'
import { attemptField } from './attempt-record.ts'
import type { Settlement } from './settlement.ts'

const q = await openTestQueues()
// Else the answer that gets lost may be that Redis does not know the script.
for (const text of Object.values(SCRIPTS)) await q.redis.script('LOAD', text)

const SETTLEMENTS: [Job['status'], Settlement][] = [
  ['succeeded', { kind: 'succeeded', output: 'null' }],
  ['cancelled', { kind: 'cancelled', by: 'handler', reason: 'enough' }],
  ['failed', dead('no')],
  ['retrying', retry(60_000)],
  ['scheduled', { kind: 'snoozed', delayMs: 60_000, reason: 'not now' }],
  ['queued', { kind: 'handed_back', reason: 'not here' }],
]

describe('a move whose answer gets lost', () => {
  it.each(SETTLEMENTS)('is made once, and is no loss: %s', async (status, settlement) => {
    const url = new URL(q.url)
    const proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    const far = await openTestQueues(url.href)
    const queue = q.newQueue()
    const lost: string[] = []
    const { consumer } = await far.consume(
      queue,
      async () => {
        await pauseQueue(q.redis, queue)
        proxy.loseAnswers()
        return settlement
      },
      { onLost: (claim) => void lost.push(claim.id) },
    )
    // Not before: what the consumer asks for when it starts needs its answer.
    const { id } = await q.add(queue)
    const job = await q.readWhen(queue, id, (found) => found.status === status && found.attempt === 1)
    proxy.cut()
    await consumer.stop(20_000)
    expect(lost).toEqual([])
    expect(await q.read(queue, id)).toEqual(job)
  })
})

describe('an attempt whose job has left Redis', () => {
  it.each(SETTLEMENTS)('is told as one of which nobody knows whether it ended so: %s', async (_, settlement) => {
    const queue = q.newQueue()
    const told = Promise.withResolvers<[string, boolean]>()
    const { consumer, errors } = await q.consume(
      queue,
      async ({ claim }) => {
        await q.redis.del(jobKey(queue, claim.id), lockKey(queue, claim.id))
        return settlement
      },
      { onLost: ({ id }, isGone) => told.resolve([id, isGone]) },
    )
    const { id } = await q.add(queue)
    expect(await told.promise).toEqual([id, true])
    await consumer.stop(20_000)
    expect(errors).toEqual([])
  })
})

describe('an attempt whose job another has taken', () => {
  it.each(SETTLEMENTS)('has its end refused, and told as lost, once: %s', async (_, settlement) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const lost: string[] = []
    const { consumer, errors } = await q.consume(
      queue,
      async () => {
        await pauseQueue(q.redis, queue)
        await q.redis.set(lockKey(queue, id), 'theirs')
        return settlement
      },
      { onLost: (claim) => void lost.push(claim.id) },
    )
    await q.readWhen(queue, id, () => lost.length > 0)
    await consumer.stop(20_000)
    expect([lost, errors]).toEqual([[id], []])
    expect(await q.read(queue, id)).toMatchObject({ status: 'running', attempt: 1, attemptsUsed: 0 })
  })

  it.each(SETTLEMENTS)('has its end refused also if the job was recovered for good: %s', async (_, settlement) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 1 })
    const lost: string[] = []
    const { consumer } = await q.consume(
      queue,
      async () => {
        // What recovery writes of it.
        const record = JSON.stringify({ n: 1, worker: 'w1', start: 1, end: 2, outcome: 'lost' })
        await q.redis.hset(jobKey(queue, id), 'finishedOn', '2', 'st', 'failed', attemptField(1), record)
        await q.redis.del(lockKey(queue, id))
        await q.redis.lrem(bullKeys(queue).active, 1, id)
        return settlement
      },
      { onLost: (claim) => void lost.push(claim.id) },
    )
    await q.readWhen(queue, id, () => lost.length > 0)
    await consumer.stop(20_000)
    expect(lost).toEqual([id])
    expect((await q.read(queue, id)).timeline.map(({ event }) => event)).toContain('worker_lost')
  })
})
