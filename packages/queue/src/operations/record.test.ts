import { newJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { redriveOf, withDeadLetters } from '../fixtures/dead-letters.ts'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { operationKey } from '../keys.ts'
import { startOperation } from './drive.ts'
import { takeOperation } from './lease.ts'
import type { OperationRequest } from './operation.ts'
import { advancePart, openPart, type StoredPart } from './part.ts'
import { createOperation, pauseOperation, readOperation, readStoredOperation, resumeOperation } from './record.ts'

const q = await openTestQueues()
const owner = 'test'

describe('createOperation', () => {
  it.each<[string, Partial<OperationRequest>]>([
    ['every queue', {}],
    ['no queue', { filter: { queues: [] } }],
    ['a filter', { filter: { queues: ['a', 'b'], type: 't', label: { key: 'a:b', value: 'ü' }, errorKind: 'http' } }],
    ['more of a filter', { filter: { queues: [], fingerprint: 'http-1', from: 5, to: 6, ids: new Set(['x', 'y']) } }],
    ['a tenant', { filter: { queues: [], tenant: 'acme' } }],
    ['a way to do it', { kind: 'discard', dryRun: true, ratePerSecond: 7 }],
    ['a way to stop', { stopOnFailureRatio: 0, reason: { by: 'ops' } }],
  ])('keeps what was asked for: %s', async (_, more) => {
    const request = redriveOf(['a'], more)
    const { operation } = await createOperation(q.redis, request, owner)
    expect((await readStoredOperation(q.redis, operation.id)).request).toEqual(request)
    const { kind, dryRun, ratePerSecond, stopOnFailureRatio } = request
    expect(operation).toMatchObject({
      kind,
      dryRun,
      ...(ratePerSecond !== undefined && { ratePerSecond }),
      ...(stopOnFailureRatio !== undefined && { stopOnFailureRatio }),
    })
  })
})

describe('readOperation', () => {
  it.each([newJobId(Date.now()), '', 'x', '../x', 'x'.repeat(1000)])('finds none under the id %s', async (id) => {
    for (const read of [readOperation, pauseOperation, resumeOperation]) {
      await expect(read(q.redis, id)).rejects.toMatchObject({ code: 'not_found', status: 404 })
    }
  })

  it('finds none of another tenant, nor moves one', async () => {
    const begin = async (tenant?: string) => {
      const filter = { queues: [], ...(tenant !== undefined && { tenant }) }
      return (await createOperation(q.redis, redriveOf([], { filter }), owner)).operation.id
    }
    const [acme, ofAll] = [await begin('acme'), await begin()]
    for (const use of [readOperation, pauseOperation, resumeOperation]) {
      expect((await use(q.redis, acme, 'acme')).id).toBe(acme)
      for (const id of [acme, ofAll]) {
        await expect(use(q.redis, id, 'globex')).rejects.toMatchObject({ code: 'not_found' })
      }
    }
    expect((await readOperation(q.redis, acme)).state).toBe('running')
  })

  it('finds it for a day after its end', async () => {
    const { operation, finished } = await startOperation(q.redis, redriveOf([q.newQueue()]), { owner })
    expect(await finished).toMatchObject({ state: 'completed', matched: 0 })
    for (const key of await q.redis.keys(`*${operation.id}*`)) {
      const left = await q.redis.pttl(key)
      expect(left).toBeGreaterThan(23 * 60 * 60 * 1000)
      expect(left).toBeLessThanOrEqual(24 * 60 * 60 * 1000)
    }
  })

  it('tells how far it has come in each queue, and in all', async () => {
    const [a, b] = [await withDeadLetters(q, 3), await withDeadLetters(q, 2)]
    const { finished } = await startOperation(q.redis, redriveOf([a.queue, b.queue]), { owner })
    const operation = await finished
    expect(operation).toMatchObject({ matched: 5, moved: 5, finished: 0, failedAgain: 0 })
    expect(operation.queues).toEqual(
      [a, b].map(({ queue, ids }) => ({
        name: queue,
        matched: ids.length,
        moved: ids.length,
        finished: 0,
        failedAgain: 0,
        cursor: expect.stringMatching(/^\d{4}-.+Z$/),
        done: true,
      })),
    )
    for (const { cursor } of operation.queues) expect(Date.parse(cursor as string)).toBeLessThan(Date.now())
    const times = [operation.startedAt, operation.updatedAt, operation.finishedAt as string]
    expect(times.toSorted()).toEqual(times)
  })
})

describe('pauseOperation', () => {
  it('lets nothing more be moved, whoever is about to', async () => {
    const { queue, ids } = await withDeadLetters(q, 4)
    const { lease } = await createOperation(q.redis, redriveOf([queue]), owner)
    const { request } = await readStoredOperation(q.redis, lease.id)
    const part = (await openPart(q.redis, queue, lease)) as StoredPart
    const step = (id: string | undefined) => ({ ids: [id as string], reached: { at: 1, id: '' }, done: false })
    const next = (await advancePart(q.redis, lease, request, part, step(ids[0]))) as StoredPart
    expect(next).toMatchObject({ matched: 1, moved: 1 })

    expect(await pauseOperation(q.redis, lease.id)).toMatchObject({ state: 'paused', matched: 1, moved: 1 })
    expect(await advancePart(q.redis, lease, request, next, step(ids[1]))).toBeUndefined()
    expect(await openPart(q.redis, queue, lease)).toBeUndefined()
    expect(await readOperation(q.redis, lease.id)).toMatchObject({ state: 'paused', matched: 1, moved: 1 })
    expect((await q.read(queue, ids[1] as string)).status).toBe('failed')
  })

  it('is undone by resumeOperation, and both may be said twice', async () => {
    const { lease } = await createOperation(q.redis, redriveOf([]), owner)
    const turns = [pauseOperation, pauseOperation, resumeOperation, resumeOperation, pauseOperation]
    const states = []
    for (const turn of turns) states.push((await turn(q.redis, lease.id)).state)
    expect(states).toEqual(['paused', 'paused', 'running', 'running', 'paused'])
    await q.redis.del(operationKey(lease.id))
    await takeOperation(q.redis, owner)
  })

  it.each(['completed', 'stopped', 'failed'])(
    'is too late when it has %s, and so is resumeOperation',
    async (state) => {
      const { lease } = await createOperation(q.redis, redriveOf([]), owner)
      await q.redis.hset(operationKey(lease.id), 'state', state)
      await expect(pauseOperation(q.redis, lease.id)).rejects.toMatchObject({
        code: 'illegal_transition',
        message: `an operation that is ${state} cannot be paused`,
      })
      await expect(resumeOperation(q.redis, lease.id)).rejects.toMatchObject({
        code: 'illegal_transition',
        message: `an operation that is ${state} cannot be resumed`,
      })
    },
  )
})
