import { startWorker, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { end } from './fixtures/jobs.ts'
import { openTestBed } from './fixtures/test-bed.ts'

const bed = await openTestBed()

const worker = await startWorker({
  FOLIOT_REDIS_URL: bed.url,
  FOLIOT_JOBS: './apps/worker/src/fixtures/jobs.ts',
  FOLIOT_LOG_LEVEL: 'debug',
})

const WAYS = ['succeed', 'cancel', 'snooze', 'fail', 'refuse', 'time-out'] as const
const jobs = new Map(
  await Promise.all(
    WAYS.map(async (how) => [how, await bed.end(await bed.add(end, how, { tenant: 'acme' }))] as const),
  ),
)

/** The lines about a job, without what every line has. */
async function linesOf(how: (typeof WAYS)[number], count: number) {
  const about = () =>
    worker.lines.flatMap(({ json }) => (json !== undefined && json.jobId === jobs.get(how)?.id ? [json] : []))
  await waitUntil(() => about().length >= count)
  return about().map(({ time, app, pid, host, ...line }) => line)
}

const common = (how: (typeof WAYS)[number], attempt = 1) => ({
  jobId: jobs.get(how)?.id,
  jobType: 'test.end',
  queue: 'test',
  tenant: 'acme',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  attempt,
})

describe('the log', () => {
  it('tells of a job that succeeded, at level debug', async () => {
    expect(await linesOf('succeed', 1)).toEqual([{ ...common('succeed'), level: 'debug', msg: 'succeeded' }])
  })

  it('tells of a job that was cancelled, at level debug', async () => {
    expect(await linesOf('cancel', 1)).toEqual([{ ...common('cancel'), level: 'debug', msg: 'cancelled' }])
  })

  it('tells of a job that was put off, with the reason', async () => {
    expect(await linesOf('snooze', 2)).toEqual([
      { ...common('snooze'), level: 'info', msg: 'snoozed: the handler asked for 1 ms' },
      { ...common('snooze', 2), level: 'debug', msg: 'succeeded' },
    ])
  })

  it('warns of an attempt that failed, without the stack', async () => {
    expect((await linesOf('fail', 2))[0]).toEqual({
      ...common('fail'),
      level: 'warn',
      msg: 'attempt 1 of 2 failed, fixed 0 ms',
      failure: { name: 'Error', message: 'broken', kind: 'error' },
    })
  })

  it('tells of an attempt that timed out as of one that failed', async () => {
    expect((await linesOf('time-out', 2))[0]).toMatchObject({ level: 'warn', failure: { kind: 'timeout' } })
  })

  it('tells of a dead letter as an error, with the stack', async () => {
    expect(await linesOf('refuse', 1)).toEqual([
      {
        ...common('refuse'),
        level: 'error',
        msg: 'failed: not retried: unrecoverable',
        failure: {
          name: 'UnrecoverableError',
          message: 'no such file',
          kind: 'unrecoverable',
          fingerprint: expect.any(String),
          stack: expect.stringContaining('fixtures/jobs.ts'),
        },
      },
    ])
  })
})

describe('the metrics', () => {
  const metrics = async (): Promise<string> => (await fetch(`${worker.url}/metrics`)).text()

  it('count jobs by how they ended, attempts that are tried again, and how long both took', async () => {
    const text = await metrics()
    const labels = 'queue="test",type="test.end"'
    expect(text).toContain(`foliot_jobs_total{${labels},status="succeeded"} 4\n`)
    expect(text).toContain(`foliot_jobs_total{${labels},status="cancelled"} 1\n`)
    expect(text).toContain(`foliot_jobs_total{${labels},status="failed"} 1\n`)
    expect(text).toContain(`foliot_job_retries_total{${labels}} 2\n`)
    expect(text).toContain(`foliot_job_duration_seconds_count{${labels}} 6\n`)
    // Once for each job, at its first start.
    expect(text).toContain(`foliot_job_queue_seconds_count{${labels}} 6\n`)
    expect(text).toMatch(/^foliot_job_duration_seconds_bucket\{queue="test",type="test\.end",le="0\.005"\} \d$/m)
  })

  it('have no label that grows with the jobs', async () => {
    const text = await metrics()
    for (const { id } of jobs.values()) expect(text).not.toContain(id)
    const labels = [...text.matchAll(/[{,](\w+)="/g)].map(([, name]) => name)
    // `service_name` is the one label of `target_info`.
    expect(new Set(labels)).toEqual(new Set(['service_name', 'queue', 'type', 'status', 'le']))
  })
})
