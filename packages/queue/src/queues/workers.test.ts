import { beforeEach, describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { workerKey, workersKey } from '../keys.ts'
import { beat, listWorkers, signOff, type WorkerInfo } from './workers.ts'

const q = await openTestQueues()
beforeEach(() => q.redis.flushdb())

const worker = (id: string, more: Partial<WorkerInfo> = {}): WorkerInfo => ({
  id,
  host: 'box',
  pid: 7,
  startedAt: `2026-01-01T00:00:0${id.at(-1)}.000Z`,
  heartbeatAt: '2026-01-01T00:01:00.000Z',
  queues: ['mail'],
  concurrency: 10,
  running: [],
  types: ['mail.send'],
  state: 'running',
  ...more,
})

describe('listWorkers', () => {
  it('lists nobody at first', async () => {
    expect(await listWorkers(q.redis)).toEqual([])
  })

  it('lists those who beat, oldest first, as they last said', async () => {
    for (const id of ['w3', 'w1', 'w2']) await beat(q.redis, worker(id))
    await beat(q.redis, worker('w2', { state: 'stopping', running: ['job'] }))
    expect(await listWorkers(q.redis)).toEqual([
      worker('w1'),
      worker('w2', { state: 'stopping', running: ['job'] }),
      worker('w3'),
    ])
  })

  it('leaves out who signed off, and who fell silent', async () => {
    for (const id of ['w1', 'w2', 'w3']) await beat(q.redis, worker(id))
    await signOff(q.redis, 'w1')
    await q.redis.del(workerKey('w2'))
    expect(await listWorkers(q.redis)).toEqual([worker('w3')])
  })
})

describe('beat', () => {
  it('lasts for ten seconds', async () => {
    await beat(q.redis, worker('w1'))
    const left = await q.redis.pttl(workerKey('w1'))
    expect([left > 9000, left <= 10_000]).toEqual([true, true])
  })

  it('drops those who fell silent from the list of ids', async () => {
    await beat(q.redis, worker('w1'))
    await q.redis.zincrby(workersKey, -11_000, 'w1')
    await beat(q.redis, worker('w2'))
    expect(await q.redis.zrange(workersKey, '0', '-1')).toEqual(['w2'])
  })
})
