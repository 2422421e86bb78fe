import { type AnyJobDefinition, describeJob } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import pack from './index.ts'
import { crash, demoJobs, echo, fail, log, progress, sleep, spin } from './jobs.ts'

const HOUR_MS = 60 * 60 * 1000

function issuesOf({ input }: AnyJobDefinition, value: unknown) {
  const result = input['~standard'].validate(value)
  if (result instanceof Promise) throw new Error('expected a demo schema to answer at once, got a promise')
  return result.issues ?? []
}

describe('the demo pack', () => {
  it('has a handler for each of its jobs, all in the queue demo', () => {
    expect(pack.jobs).toBe(demoJobs)
    expect(Object.keys(pack.handlers).sort()).toEqual(demoJobs.map((job) => job.name).sort())
    expect(new Set(pack.jobs.map((job) => job.queue))).toEqual(new Set(['demo']))
  })

  it('can be announced: each job describes itself and its schemas', () => {
    for (const job of demoJobs) {
      expect(describeJob(job), job.name).toMatchObject({ name: job.name, description: expect.stringMatching(/./) })
    }
  })

  it('gives the jobs that take their time a timeout above the longest duration', () => {
    for (const job of [sleep, progress, spin]) expect(job.timeoutMs).toBeGreaterThan(HOUR_MS)
    for (const job of [echo, fail, log, crash]) expect(job.timeoutMs).toBe(60_000)
  })
})

describe('the inputs', () => {
  it.each([1, null, 'text', [[]], { a: 1 }, JSON.parse('{"__proto__":{"a":1}}')])(
    'let demo.echo have %j, unchanged',
    (value) => {
      expect(echo.input['~standard'].validate(value)).toEqual({ value })
    },
  )

  it.each<[AnyJobDefinition, unknown]>([
    [sleep, { ms: HOUR_MS }],
    [fail, { times: 1000, message: 'x'.repeat(50_000), unrecoverable: true }],
    [fail, { times: 0 }],
    [progress, { steps: 10_000, stepMs: 0 }],
    [log, { lines: 10_000 }],
    [spin, { ms: 0 }],
    [crash, { times: 1000 }],
  ])('take what is in range: $name', (job, value) => {
    expect(issuesOf(job, value)).toEqual([])
  })

  it.each<[AnyJobDefinition, unknown]>([
    [sleep, { ms: HOUR_MS + 1 }],
    [sleep, { ms: -1 }],
    [sleep, { ms: 1.5 }],
    [sleep, { ms: '5' }],
    [sleep, {}],
    [sleep, { ms: 5, unit: 's' }],
    [fail, { times: 1001 }],
    [fail, { times: 1, message: null }],
    [progress, { steps: 0, stepMs: 1 }],
    [progress, { steps: 10_001, stepMs: 1 }],
    [progress, { steps: 5 }],
    [log, { lines: 10_001 }],
    [spin, { ms: 1e12 }],
    [crash, { times: 1001 }],
  ])('refuse what is out of range or unknown: $name %#', (job, value) => {
    expect(issuesOf(job, value)).toHaveLength(1)
  })
})
