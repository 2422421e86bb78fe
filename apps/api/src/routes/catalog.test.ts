import { demoJobs, echo } from '@foliot/example-demo/jobs'
import { defineJob, describeJob, type JobType } from '@foliot/jobs'
import { announce, beat, signOff, type WorkerInfo } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const types = async (): Promise<JobType[]> => (await api.get('/v1/job-types')).body.items

describe('GET /v1/job-types', () => {
  it('lists what workers have announced, whole and by name', async () => {
    const { body } = await api.get('/v1/job-types')
    expect(body.nextCursor).toBeNull()
    expect(body.items).toEqual(demoJobs.map((job) => describeJob(job)).toSorted((a, b) => (a.name < b.name ? -1 : 1)))
  })

  it('shows what a worker announces now', async () => {
    await announce(api.redis, [{ ...describeJob(echo), name: 'test.new', description: 'first' }])
    expect((await types()).find(({ name }) => name === 'test.new')?.description).toBe('first')
    await announce(api.redis, [{ ...describeJob(echo), name: 'test.new', description: 'second', version: 2 }])
    expect((await types()).find(({ name }) => name === 'test.new')?.description).toBe('second')
    expect((await api.post('/v1/jobs', { type: 'test.new', input: 1 })).job(202).version).toBe(2)
  })

  it('says where the handlers of a type run, also of one announced before there was a choice', async () => {
    const apart = defineJob({ name: 'test.apart', input: echo.input, isolation: 'process' })
    const { isolation: _, ...old } = describeJob(defineJob({ name: 'test.old', input: echo.input }))
    await announce(api.redis, [describeJob(apart), old])
    const isolationOf = new Map((await types()).map(({ name, isolation }) => [name, isolation]))
    expect(isolationOf.get('test.apart')).toBe('process')
    expect(isolationOf.get('test.old')).toBe('inline')
  })

  it('shows a retry policy whole, whatever its kind, with its rules', async () => {
    const errors = [
      { match: { kind: 'card_declined' }, retry: false },
      { match: { name: 'TypeError' }, retry: { kind: 'linear', stepMs: 50 } },
      { match: {}, retry: true },
    ] as const
    const listed = defineJob({
      name: 'test.listed',
      input: echo.input,
      retry: { kind: 'list', delaysMs: [5, 70_000], errors },
    })
    await announce(api.redis, [describeJob(listed)])
    expect((await types()).find(({ name }) => name === 'test.listed')?.retry).toEqual(listed.retry)
  })
})

describe('GET /v1/workers', () => {
  it('lists the live workers', async () => {
    expect((await api.get('/v1/workers')).body).toEqual({ items: [], nextCursor: null })
    const worker: WorkerInfo = {
      id: 'host-1-abc',
      host: 'host',
      pid: 1,
      startedAt: new Date().toISOString(),
      heartbeatAt: new Date().toISOString(),
      queues: ['demo'],
      concurrency: 10,
      running: [],
      types: ['demo.echo'],
      state: 'running',
    }
    await beat(api.redis, worker)
    expect((await api.get('/v1/workers')).body.items).toEqual([worker])
    await signOff(api.redis, worker.id)
    expect((await api.get('/v1/workers')).body.items).toEqual([])
  })
})
