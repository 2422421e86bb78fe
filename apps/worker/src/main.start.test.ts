import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Catalog, listWorkers } from '@foliot/queue'
import { startProcess, startRedis, startWorker, temporaryFolder } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { end } from './fixtures/jobs.ts'
import { openTestBed } from './fixtures/test-bed.ts'

const JOBS = './apps/worker/src/fixtures/jobs.ts'

const bed = await openTestBed()

describe('the worker', () => {
  it('is ready when its jobs are announced, shows itself, and runs a job', async () => {
    const worker = await startWorker({ FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: `${JOBS},@foliot/example-demo` })
    const ready = worker.lines.find(({ json }) => json?.msg === 'ready')?.json
    expect(ready).toMatchObject({ level: 'info', app: 'worker', pid: worker.pid, queues: ['test', 'demo'] })
    expect((await new Catalog(bed.redis).find('demo.echo')).queue).toBe('demo')
    expect(await listWorkers(bed.redis)).toMatchObject([
      { id: ready?.worker, pid: worker.pid, queues: ['test', 'demo'], concurrency: 10, state: 'running' },
    ])
    for (const path of ['/healthz', '/readyz']) expect((await fetch(worker.url + path)).status).toBe(200)

    const job = await bed.end(await bed.add(end, 'succeed'))
    expect(job).toMatchObject({ status: 'succeeded', output: 1 })
    expect(job.timeline.find(({ event }) => event === 'started')?.detail).toBe(`by worker ${ready?.worker}`)
    expect(await (await fetch(`${worker.url}/metrics`)).text()).toContain('foliot_jobs_total{queue="test"')
    // A busy worker ends thousands a second: that is nothing for the log.
    expect(worker.lines.filter(({ json }) => json?.jobId !== undefined)).toEqual([])
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
    expect(worker.errorText).toBe('')
  })

  it('serves only the queues that it is told to', async () => {
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: `${JOBS},@foliot/example-demo`, FOLIOT_QUEUES: 'demo' }
    await using worker = await startWorker(env)
    expect(worker.lines.find(({ json }) => json?.msg === 'ready')?.json?.queues).toEqual(['demo'])
  })

  it('gives its metrics to a key alone, on an address that others can reach', async () => {
    const secret = 'a-secret-of-some-length'
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: JOBS, FOLIOT_WORKER_HOST: '0.0.0.0' }
    await using worker = await startWorker({ ...env, FOLIOT_API_KEYS: `${secret}:read` })
    const get = (path: string, headers: Record<string, string> = {}) => fetch(worker.url + path, { headers })
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/metrics')).status).toBe(401)
    expect((await get('/metrics', { authorization: `Bearer ${secret}` })).status).toBe(200)
  })
})

/** Starts a worker that is expected to end by itself. */
async function refusalOf(env: Record<string, string>) {
  const base = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: JOBS, FOLIOT_WORKER_PORT: '0' }
  const worker = await startProcess({ entry: 'apps/worker/src/main.ts', env: { ...base, ...env } })
  const { code } = await worker.exited
  return { code, errorText: worker.errorText, lines: worker.lines.map(({ json }) => json) }
}

describe.concurrent('a worker that is set up wrongly ends with one clear line', () => {
  it.each([
    ['no jobs', { FOLIOT_JOBS: '' }, 'expected FOLIOT_JOBS to name the modules with the jobs to run, got none'],
    [
      'a module that is missing',
      { FOLIOT_JOBS: '@acme/nowhere' },
      /^expected to load @acme\/nowhere, which FOLIOT_JOBS names, from \S+: Cannot find module '@acme\/nowhere'$/,
    ],
    [
      'a module that is no job pack',
      { FOLIOT_JOBS: '@foliot/example-demo/jobs' },
      'expected the default export of @foliot/example-demo/jobs to be jobPack(jobs, handlers), got undefined',
    ],
    [
      'a type that is defined twice',
      { FOLIOT_JOBS: `${JOBS},${JOBS}` },
      `job type "test.end" is defined by two modules in FOLIOT_JOBS; one is ${JOBS}`,
    ],
    [
      'a queue that no job belongs to',
      { FOLIOT_QUEUES: 'tset' },
      'expected FOLIOT_QUEUES to name queues of the loaded jobs (test), got "tset"',
    ],
    [
      'a key that is wrong',
      { FOLIOT_API_KEYS: 'a-secret:reed' },
      /^FOLIOT_API_KEYS: .*key 1 .*enqueue, read, operate, admin/,
    ],
  ])('%s', async (_, env, message) => {
    const { code, lines } = await refusalOf(env)
    expect(code).toBe(78)
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'fatal',
        msg: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    ])
    expect(JSON.stringify(lines)).not.toContain('a-secret')
  })

  it('a job whose schema cannot be announced', async () => {
    const file = join(await temporaryFolder(), 'jobs.mjs')
    const [jobs, zod] = ['@foliot/jobs', 'zod'].map((name) => JSON.stringify(import.meta.resolve(name)))
    await writeFile(
      file,
      `import { defineJob, jobPack } from ${jobs}
       import { z } from ${zod}
       export default jobPack([defineJob({ name: 'test.date', input: z.date() })], { 'test.date': () => null })`,
    )
    const { code, lines } = await refusalOf({ FOLIOT_JOBS: file })
    expect(code).toBe(78)
    expect(lines).toMatchObject([
      { level: 'fatal', msg: expect.stringContaining('job "test.date": its input cannot be said') },
    ])
  })

  it('variables that are wrong, all of them at once', async () => {
    const { code, lines, errorText } = await refusalOf({ FOLIOT_CONCURRENCY: 'ten', FOLIOT_JOB: JOBS })
    expect(code).toBe(78)
    expect(lines).toEqual([])
    expect(errorText).toContain('FOLIOT_CONCURRENCY: expected an integer from 1 to 10000, got "ten"')
    expect(errorText).toContain('FOLIOT_JOB: there is no such setting; did you mean FOLIOT_JOBS?')
  })

  it('a Redis that may evict keys', async () => {
    const { url } = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    const { code, lines } = await refusalOf({ FOLIOT_REDIS_URL: url })
    expect(code).toBe(1)
    expect(lines.find((line) => line?.level === 'fatal')).toMatchObject({
      msg: 'connection to Redis could not start: expected Redis with maxmemory-policy noeviction, got allkeys-lru',
      err: { hint: expect.stringContaining('CONFIG SET maxmemory-policy noeviction') },
    })
  })

  it.each([
    ['without the password of Redis', '//', 'NOAUTH'],
    ['with a wrong one', '//:wrong-secret@', 'WRONGPASS'],
  ])('%s', async (_, as, word) => {
    const { url } = await startRedis({ args: ['--requirepass', 'right'] })
    const { code, lines, errorText } = await refusalOf({ FOLIOT_REDIS_URL: url.replace('//', as) })
    expect([code, errorText]).toEqual([1, ''])
    expect(lines.map((line) => `${line?.level}: ${line?.msg}`)).toEqual([
      expect.stringMatching(`^fatal: connection to Redis could not start: expected FOLIOT_REDIS_URL to .*"${word} `),
      'info: stopping',
      'info: stopped',
    ])
    expect(JSON.stringify(lines)).not.toContain('wrong-secret')
  })

  it('a port that is taken', async () => {
    const { code, lines } = await refusalOf({ FOLIOT_WORKER_PORT: new URL(bed.url).port })
    expect(code).toBe(1)
    expect(lines.find((line) => line?.level === 'fatal')?.msg).toMatch(/^health server could not start: .*EADDRINUSE/)
  })
})
