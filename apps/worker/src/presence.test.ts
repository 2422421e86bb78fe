import { defineJob } from '@foliot/jobs'
import { Catalog, connectForLoops, defineScripts, listWorkers, type WorkerInfo } from '@foliot/queue'
import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runnablesOf } from './fixtures/runnables.ts'
import { openTestBed, silent } from './fixtures/test-bed.ts'
import { groupByQueue } from './job-packs.ts'
import { Presence } from './presence.ts'

const bed = await openTestBed()

const send = defineJob({ name: 'mail.send', queue: 'email', version: 2, input: z.object({ to: z.string() }) })
const tidy = defineJob({ name: 'disk.tidy', queue: 'disk', input: z.null(), description: 'Removes what nobody needs' })
const runnables = runnablesOf([send, tidy], { 'mail.send': () => null, 'disk.tidy': () => null })

let workers = 0

function presence({ redis = bed.redis, running = () => [] as string[], only = [] as string[] } = {}) {
  const worker = `worker-${++workers}`
  const subject = new Presence({
    worker,
    redis,
    queues: groupByQueue(runnables, only),
    concurrency: 7,
    running,
    log: silent,
  })
  atEndOfFile(() => subject.stop())
  return { worker, subject }
}

const find = async (worker: string, redis: Redis = bed.redis): Promise<WorkerInfo | undefined> =>
  (await listWorkers(redis)).find(({ id }) => id === worker)

describe('Presence', () => {
  it('announces the job types with their schemas before it has started', async () => {
    await presence().subject.start()
    const catalog = new Catalog(bed.redis)
    expect(await catalog.find('mail.send')).toMatchObject({
      queue: 'email',
      version: 2,
      inputSchema: { type: 'object', properties: { to: { type: 'string' } } },
    })
    expect(await catalog.find('disk.tidy')).toMatchObject({ queue: 'disk', description: 'Removes what nobody needs' })
    expect(catalog.queues).toEqual(['disk', 'email'])
  })

  it('announces only what it serves', async () => {
    const redis = defineScripts(connectForLoops((await startRedis()).url))
    atEndOfFile(async () => redis.disconnect())
    const { subject, worker } = presence({ redis, only: ['disk'] })
    await subject.start()
    const catalog = new Catalog(redis)
    await catalog.refresh()
    expect(catalog.types.map(({ name }) => name)).toEqual(['disk.tidy'])
    expect(await find(worker, redis)).toMatchObject({ queues: ['disk'], types: ['disk.tidy'] })
  })

  it('shows the worker, with a time after which nobody believes in it any more', async () => {
    const { subject, worker } = presence()
    expect(subject.isOpen).toBe(false)
    expect(subject.lastBeat).toBe(0)
    await subject.start()
    expect(subject.isOpen).toBe(true)
    expect(await find(worker)).toEqual({
      id: worker,
      host: expect.any(String),
      pid: process.pid,
      startedAt: expect.any(String),
      heartbeatAt: expect.any(String),
      queues: ['email', 'disk'],
      concurrency: 7,
      running: [],
      types: ['mail.send', 'disk.tidy'],
      state: 'running',
    })
    const [key = ''] = await bed.redis.keys(`*${worker}`)
    const ttlMs = await bed.redis.pttl(key)
    expect(ttlMs).toBeGreaterThan(0)
    expect(ttlMs).toBeLessThanOrEqual(10_000)
  })

  it('repeats its heartbeat, with the jobs that run by then', async () => {
    const running: string[] = []
    const { subject, worker } = presence({ running: () => running })
    await subject.start()
    const first = await find(worker)
    const firstBeat = subject.lastBeat
    running.push('a-job')
    const second = await waitUntil(async () => {
      const info = await find(worker)
      return info?.running.length === 1 ? info : undefined
    })
    expect(second).toMatchObject({ running: ['a-job'], startedAt: first?.startedAt })
    expect(Date.parse(second.heartbeatAt)).toBeGreaterThan(Date.parse(first?.heartbeatAt ?? ''))
    await waitUntil(() => subject.lastBeat > firstBeat)
  })

  it('says that the worker is stopping', async () => {
    const { subject, worker } = presence()
    await subject.start()
    subject.sayStopping()
    expect(subject.isOpen).toBe(false)
    await waitUntil(async () => (await find(worker))?.state === 'stopping')
  })

  it('signs off, also when it is told twice or was never started', async () => {
    const { subject, worker } = presence()
    await subject.stop()
    await subject.start()
    await subject.stop()
    await subject.stop()
    expect(await find(worker)).toBeUndefined()
    expect(await bed.redis.keys(`*${worker}*`)).toEqual([])
  })
})
